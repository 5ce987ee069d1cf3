"""Fixtures of the DICOM tests: series of a phantom, results written of it, foreign programs."""

import functools
import os
import shutil
import sys
from pathlib import Path

import pytest
from dicom_results import analysis_of, write_results
from dicom_series import (
    SECRET,
    SEQUENCES,
    Plan,
    classic_series,
    enhanced_object,
    place_value,
    save,
    series_of_volume,
    small_results,
)


class Kit:
    """What the tests build DICOM with."""

    Plan = Plan
    sequences = SEQUENCES
    secret = SECRET
    place_value = staticmethod(place_value)
    classic = staticmethod(classic_series)
    enhanced = staticmethod(enhanced_object)
    of_volume = staticmethod(series_of_volume)
    analysis_of = staticmethod(analysis_of)
    save = staticmethod(save)
    small_results = staticmethod(small_results)


@pytest.fixture(scope="session")
def kit():
    return Kit


@pytest.fixture(scope="session")
def results_of(tmp_path_factory):
    """Writes a phantom's results: ``results_of(orientation, kind, seg=..., ...)`` -> Results.

    Each combination is written once a session.
    """
    return functools.cache(functools.partial(write_results, tmp_path_factory))


@pytest.fixture(scope="session")
def tool():
    """Path of a program of another project: ``tool("dciodvfy")``; skipped where it is missing."""

    def find(name):
        beside = Path(sys.executable).parent
        found = shutil.which(name) or shutil.which(name, path=f"{beside}{os.pathsep}/usr/sbin")
        if found is None and os.environ.get("VASOTYPE_REQUIRE_TOOLS"):
            pytest.fail(f"{name} is required here, but not installed")
        return found or pytest.skip(f"{name} is not installed")

    return find
