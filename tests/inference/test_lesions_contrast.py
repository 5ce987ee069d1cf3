from dataclasses import replace

import numpy as np
import pytest
from vasotype.findings import Finding
from vasotype.lesions.contrast import without_contrast
from vasotype_models.contract import ET, NETC, Inference

NODULES = [{"at": (14, 24, 24), "core": 5}, {"at": (34, 24, 24), "core": 5}]


@pytest.fixture
def study(scene):
    """Two nodules called enhancing; T1c is a copy of T1 but for ``rise`` scales in the first."""

    def build(rise=0.0, codes=("nothing-enhances",)):
        prepared, maps = scene(NODULES)
        tissue = maps.tissue.copy()
        tissue[ET] += tissue[NETC]
        tissue[NETC] = 0.0
        image = prepared.image.copy()
        image[1] = image[0]
        image[1, 9:20, 19:30, 19:30] += rise * prepared.stats[0, 1]
        stats = prepared.stats.copy()
        stats[1] = stats[0]
        findings = tuple(Finding(code, "") for code in codes)
        prepared = replace(prepared, image=image, stats=stats, findings=findings)
        return prepared, replace(maps, tissue=tissue)

    return build


def test_nothing_is_called_enhancing_where_nothing_enhances(study):
    prepared, maps = study()
    quiet = without_contrast(prepared, maps, Inference())
    assert not quiet.tissue[ET].any()
    assert np.allclose(quiet.tissue[NETC], maps.tissue[ET])
    assert np.allclose(quiet.tissue.sum(axis=0), maps.tissue.sum(axis=0))
    assert maps.tissue[ET].any()


def test_one_lesion_that_enhances_leaves_all_as_it_is(study):
    prepared, maps = study(rise=1.5)
    assert without_contrast(prepared, maps, Inference()) is maps


@pytest.mark.parametrize("codes", [(), ("no-visible-contrast",)])
def test_with_contrast_in_the_brain_the_network_is_believed(study, codes):
    prepared, maps = study(codes=codes)
    assert without_contrast(prepared, maps, Inference()) is maps


def test_a_brain_without_core_stays_so(study):
    prepared, maps = study()
    empty = np.zeros_like(maps.tissue)
    empty[0] = 1.0
    quiet = without_contrast(prepared, replace(maps, tissue=empty), Inference())
    assert np.array_equal(quiet.tissue, empty)
