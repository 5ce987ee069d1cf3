"""What the habitat head is asked for agrees with what the runtime reads."""

import numpy as np
import pytest
from vasotype.phenotype.pooling import inner_voxels, viable_voxels
from vasotype_models.contract import ET, MODES, NETC
from vasotype_training.cohorts import LesionTruth
from vasotype_training.lesion_targets import MOST_LESIONS, RULES, lesion_targets, voices
from vasotype_training.simulate.scene import Scene

SHAPE = (40, 24, 24)


@pytest.fixture
def scene() -> Scene:
    """A ring of 11 voxels and, 9 voxels away, a nodule of 2; brain everywhere."""
    tissue = np.zeros(SHAPE, np.uint8)
    instances = np.zeros(SHAPE, np.uint16)
    tissue[4:15, 6:17, 6:17], instances[4:15, 6:17, 6:17] = ET, 1
    tissue[7:12, 9:14, 9:14] = NETC
    tissue[24:26, 11:13, 11:13], instances[24:26, 11:13, 11:13] = ET, 2
    truth = (
        LesionTruth(1, "co_option", True, "histology"),
        LesionTruth(2, None, None, "reader"),
    )
    low = np.zeros(SHAPE, bool)
    return Scene({}, {}, np.ones(SHAPE, bool), tissue, instances, low, truth)


def test_a_label_from_elsewhere_is_taken_at_its_word(scene: Scene) -> None:
    mode, mimicry = lesion_targets(scene, ("t1c",))
    assert mode.shape == (MOST_LESIONS, len(MODES))
    assert mode[0].tolist() == [0, 0, 1]
    assert (mode[1:] == -1).all()
    assert mimicry[:3].tolist() == [1, -1, -1]


def test_voxels_speak_as_in_the_runtime(scene: Scene) -> None:
    speaking, around = voices(scene)
    for number in (1, 2):
        lesion = scene.instances == number
        viable = viable_voxels(scene.tissue, lesion, RULES.viable_enhancing_share)
        inner = inner_voxels(viable, RULES.least_inner_voxels)
        assert np.array_equal(speaking == number, inner)
    assert not (around[scene.instances > 0]).any()


def test_surroundings_reach_five_millimetres_and_belong_to_the_nearer_lesion(scene: Scene) -> None:
    scene.mask[:, :, 20:] = False
    around = voices(scene)[1]
    assert around[10, 11, 17] == 1
    assert not around[:, :, 20:].any()
    assert set(np.unique(around[15:24, 11, 11])) == {1, 2}
    assert around[19, 11, 11] == 1 or around[19, 11, 11] == 2
    assert not around[31:].any()


def test_nothing_speaks_where_there_is_no_lesion(scene: Scene) -> None:
    scene.instances[:] = 0
    assert not any(voice.any() for voice in voices(scene))
