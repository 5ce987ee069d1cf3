from dataclasses import replace
from itertools import permutations

import nibabel as nib
import numpy as np
import pytest
from vasotype.lesions import find_lesions
from vasotype.prepare import prepare, to_native
from vasotype.stages import Grid, Maps
from vasotype.study import read_study
from vasotype_models.contract import CHANNELS, ET, NETC, SNFH, Inference

RULES = Inference()
RING = {"at": (24, 22, 20), "core": 7, "necrosis": 4, "edema": 11}
AFFINE = np.array([[1.0, 0, 0, -30], [0, 1, 0, -40], [0, 0, 1, 10], [0, 0, 0, 1]])


def stored(order, flips, shape=(48, 48, 48)):
    """The fixture's grid with its axes stored in another order and direction."""
    affine = AFFINE[:, [*order, 3]].copy()
    for axis, flip in enumerate(flips):
        if flip:
            affine[:3, 3] += affine[:3, axis] * (shape[axis] - 1)
            affine[:3, axis] *= -1
    return Grid(shape, affine)


def core_ml(lesion):
    return lesion.enhancing_ml + lesion.non_enhancing_core_ml


def test_a_lesion_is_measured_where_it_lies(scene):
    found = find_lesions(*scene([RING]), RULES)
    (lesion,) = found.lesions
    world = AFFINE[:3, :3] @ RING["at"] + AFFINE[:3, 3]
    assert lesion.centroid_ras_mm == pytest.approx(world, abs=0.01)
    assert lesion.longest_diameter_mm == pytest.approx(15.0)
    assert lesion.model_diameter_mm == pytest.approx(15.0)
    assert core_ml(lesion) == pytest.approx(4 / 3 * np.pi * 0.7**3, rel=0.05)
    assert lesion.edema_ml == pytest.approx(4 / 3 * np.pi * (1.1**3 - 0.7**3), rel=0.05)
    assert lesion.confidence == pytest.approx(0.999)
    assert not lesion.edema_shared


def test_native_labels_equal_the_model_s_where_grids_coincide(scene):
    found = find_lesions(*scene([RING, {"at": (40, 40, 40), "core": 2}]), RULES)
    assert np.array_equal(found.native_tissue, found.tissue)
    assert np.array_equal(found.native_instances, found.instances)


@pytest.mark.parametrize("order", list(permutations(range(3))))
def test_numbers_do_not_depend_on_how_the_native_axes_are_stored(scene, order):
    expected = find_lesions(*scene([RING]), RULES)
    native = stored(order, (True, False, True))
    found = find_lesions(*scene([RING], native=native), RULES)
    (there,), (here,) = expected.lesions, found.lesions
    assert here.centroid_ras_mm == pytest.approx(there.centroid_ras_mm)
    assert here.edema_ml == pytest.approx(there.edema_ml)
    assert here.longest_diameter_mm == pytest.approx(there.longest_diameter_mm)
    assert here.perpendicular_diameter_mm == pytest.approx(there.perpendicular_diameter_mm)


def test_a_finer_native_grid_gives_the_same_volume(scene):
    affine = AFFINE @ np.diag([0.5, 0.5, 1.0, 1.0])
    fine = find_lesions(*scene([RING], native=Grid((96, 96, 48), affine)), RULES)
    coarse = find_lesions(*scene([RING]), RULES)
    assert core_ml(fine.lesions[0]) == pytest.approx(core_ml(coarse.lesions[0]), rel=0.1)
    assert fine.native_tissue.shape == (96, 96, 48)
    assert fine.native_instances.dtype == np.uint16


def test_a_lesion_between_thick_slices_keeps_one_voxel_and_is_said_to(scene):
    affine = AFFINE @ np.diag([1.0, 1.0, 8.0, 1.0])
    small = {"at": (24, 24, 20), "core": 1.5}
    found = find_lesions(*scene([small], native=Grid((48, 48, 6), affine)), RULES)
    assert (found.native_instances == 1).sum() == 1
    assert found.lesions[0].enhancing_ml == pytest.approx(0.008)
    assert "lesion-below-resolution" in {finding.code for finding in found.findings}


def test_what_the_rules_dropped_does_not_come_back_on_the_native_grid(scene):
    affine = AFFINE.copy()
    affine[:3, 3] += 0.4
    doubtful = {"at": (40, 40, 40), "core": 1.5, "edema": 3, "p": 0.6}
    native = Grid((48, 48, 48), affine)
    found = find_lesions(*scene([RING, doubtful], native=native), RULES)
    assert not found.native_tissue[34:, 34:, 34:].any()


def test_a_study_without_tumor_says_so(scene):
    found = find_lesions(*scene([]), RULES)
    assert found.lesions == ()
    assert not found.native_tissue.any()
    assert [finding.code for finding in found.findings] == ["no-lesion"]


def test_edema_without_a_core_is_kept_and_said_to_belong_to_nobody(scene):
    found = find_lesions(*scene([{"at": (24, 24, 24), "edema": 12}]), RULES)
    codes = {finding.code for finding in found.findings}
    assert codes == {"no-lesion", "edema-without-core"}
    assert (found.native_tissue == SNFH).any()


def pattern(prepared, maps):
    (lesion,) = find_lesions(prepared, maps, RULES).lesions
    return lesion.enhancement_pattern


def test_a_shell_of_enhancement_around_dead_core_is_a_ring(scene):
    assert pattern(*scene([RING])) == "ring"


def test_a_solid_enhancing_lesion_is_nodular(scene):
    assert pattern(*scene([{"at": (24, 24, 24), "core": 5}])) == "nodular"


def test_a_lesion_no_brighter_after_contrast_is_minimal(scene):
    prepared, maps = scene([{"at": (24, 24, 24), "core": 5}])
    image = prepared.image.copy()
    image[CHANNELS.index("t1c")] = image[CHANNELS.index("t1")]
    assert pattern(replace(prepared, image=image), maps) == "minimal"


def test_without_t1_minimal_enhancement_is_read_from_the_enhancing_share(scene):
    channels = ("t1c", "t2", "flair")
    hardly = {"at": (24, 24, 24), "core": 5, "necrosis": 4.95}
    assert pattern(*scene([hardly], channels=channels)) == "minimal"
    assert pattern(*scene([{"at": (24, 24, 24), "core": 5}], channels=channels)) == "nodular"


def test_without_t1c_enhancement_is_not_assessable(scene):
    prepared, maps = scene([{"at": (24, 24, 24), "core": 5}], channels=("t1", "t2", "flair"))
    assert pattern(prepared, maps) == "not assessable"


@pytest.mark.real_data
def test_labels_of_a_real_case_come_back_onto_its_own_grid(real_data):
    case = real_data / "validation" / "Brats18_CBICA_AQR_1"
    prepared = prepare(read_study(case))
    image = nib.load(case / f"{case.name}_seg.nii.gz")
    truth = np.asarray(image.dataobj).astype(np.uint8)
    truth[truth == 4] = ET
    native = Grid(truth.shape, image.affine)
    certain = np.stack([truth == value for value in range(4)]).astype(np.float32)
    tissue = to_native(certain, native, prepared.grid, 1)
    maps = Maps(tissue, np.zeros((5, *prepared.grid.shape), np.float32), "none")
    found = find_lesions(prepared, maps, RULES)
    core = np.isin(found.native_tissue, (ET, NETC))
    assert np.array_equal(found.native_tissue[core], truth[core])
    # Only specks below 3 mm³ and edema far from any core may be missing.
    assert ((truth > 0) & (found.native_tissue == 0)).sum() <= 0.01 * (truth > 0).sum()
    assert found.lesions[0].longest_diameter_mm > 10
