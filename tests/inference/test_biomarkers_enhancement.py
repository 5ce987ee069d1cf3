"""Enhancement of lesions with a known rise of signal."""

from dataclasses import replace
from functools import partial

import numpy as np
import pytest
from layered_brain import FINE, NODULE, RING, SHAPE, T1, T1C, layered, measured, only
from vasotype.lesions.biomarkers import measure_biomarkers
from vasotype.lesions.biomarkers_region import ScanFacts
from vasotype_models.contract import CHANNELS


@pytest.fixture
def study(scene):
    return partial(layered, scene)


@pytest.mark.parametrize("scale", [0.5, 2.0, 30.0])
def test_enhancement_is_in_units_of_white_matter_whatever_the_scale_of_t1c(study, scale):
    found = only(study, [NODULE], scale=scale)
    assert found["enhancement_mean"].value == pytest.approx(0.8, abs=1e-5)
    assert found["enhancement_p95"].value == pytest.approx(0.8, abs=1e-5)
    assert found["enhancement_cv"].value == pytest.approx(0.0, abs=1e-5)
    assert found["minimal_enhancement"].value is False


def test_a_ring_has_a_thickness_and_a_ratio_to_its_core(study):
    found = only(study, [RING])
    assert found["enhancement_pattern"].value == "ring"
    assert found["rim_thickness"].value == pytest.approx(3.0, abs=0.5)
    assert found["rim_to_core"].value == pytest.approx(0.8 / 0.3, rel=1e-4)


def test_what_is_no_ring_has_no_rim(study):
    found = only(study, [NODULE])
    for name in ("rim_thickness", "rim_to_core"):
        assert found[name].value is None
        assert "does not enhance as a ring" in found[name].note


def test_faint_enhancement_leaves_relative_measures_undefined(study):
    found = only(study, [NODULE], rise=5.0)
    assert found["enhancement_mean"].value == pytest.approx(0.05, abs=1e-5)
    assert found["minimal_enhancement"].value is True
    assert found["enhancement_cv"].value is None
    assert found["low_enhancement_fraction"].value is None
    assert found["half_enhancement_fraction"].value is None


@pytest.mark.parametrize("rise", [5.0, 24.0, 26.0, 80.0])
@pytest.mark.parametrize("lesion", [NODULE, RING], ids=["nodule", "ring"])
def test_the_pattern_is_minimal_just_where_enhancement_is_minimal(study, lesion, rise):
    """T1c is twice as bright as T1 all over, so that the brain's own scales would say otherwise."""
    prepared, lesions = study([lesion], rise=rise)
    (found,) = measured(prepared, lesions)
    hardly = found["enhancement_p95"].value < 0.25
    assert found["minimal_enhancement"].value is hardly
    assert (found["enhancement_pattern"].value == "minimal") is hardly
    assert found["enhancement_pattern"].value == lesions.lesions[0].enhancement_pattern
    assert found["minimal_enhancement"].quality == "good"


def test_without_a_ratio_minimal_enhancement_is_of_low_quality(study):
    found = only(study, [NODULE], [c for c in CHANNELS if c != "t1"])
    assert found["minimal_enhancement"].quality == "low"
    assert "T1 before or after contrast is missing" in found["minimal_enhancement"].note


def test_the_degree_of_enhancement_tells_the_minutes_since_injection(study):
    prepared, lesions = study([NODULE])
    for minutes, said in ((None, "not known"), (4.5, "4.5 minutes after injection")):
        (found,) = measure_biomarkers(prepared, lesions, FINE, ScanFacts(minutes))
        notes = [b.note for b in found if b.id == "FE-02"]
        assert len(notes) == 2
        assert all(said in note for note in notes)


def test_a_patch_without_enhancement_counts_though_the_outline_leaves_it_out(study):
    prepared, lesions = study([NODULE])
    tumor = lesions.instances == 1
    whole = only(study, [NODULE])
    assert whole["half_enhancement_fraction"].value == 0.0
    middle = np.array(NODULE["at"]).reshape(3, 1, 1, 1)
    patch = np.abs(np.indices(SHAPE) - middle).max(axis=0) <= 2
    prepared.image[T1C][patch] = 2.0 * 65.0
    within = measured(prepared, lesions)[0]
    tissue = np.where(patch, 0, lesions.tissue)
    spared = replace(lesions, tissue=tissue, instances=np.where(patch, 0, lesions.instances))
    without = measured(prepared, spared)[0]
    for found in (within, without):
        assert found["half_enhancement_fraction"].value == pytest.approx(
            patch.sum() / tumor.sum(), abs=0.02
        )


def test_enhancement_of_one_half_is_patchier_than_of_all(study):
    prepared, lesions = study([NODULE])
    (whole,) = measured(prepared, lesions)
    half = (lesions.instances == 1) & (np.indices(SHAPE)[2] < 24)
    prepared.image[T1C][half] = 2.0 * 65.0
    (found,) = measured(prepared, lesions)
    assert found["enhancement_patchiness"].value > 1.5 * whole["enhancement_patchiness"].value


@pytest.mark.parametrize("missing", ["t1", "t1c"])
def test_without_t1_or_t1c_there_is_no_enhancement(study, missing):
    found = only(study, [NODULE], [c for c in CHANNELS if c != missing])
    for name in ("enhancement_mean", "enhancement_entropy", "enhancement_rim"):
        assert not found[name].available
        assert found[name].quality == "none"


def test_images_without_a_true_zero_have_no_ratio(study):
    prepared, lesions = study([NODULE])
    prepared.image[T1] -= 90.0
    (found,) = measured(prepared, lesions)
    assert "no true zero" in found["enhancement_mean"].note
