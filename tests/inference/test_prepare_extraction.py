"""Brain extraction, with a stand-in for the network that knows brain by its intensity."""

import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage
from vasotype.findings import StudyError
from vasotype.prepare import extraction
from vasotype.prepare.extraction import coarse_grid, extract_brain, head_spans, tidy
from vasotype.stages import Grid, Volume
from vasotype_models.brain_contract import BrainContract
from vasotype_models.contract import TrainingSummary

CONTRACT = BrainContract(
    name="stand-in",
    version="0",
    description="",
    inputs={},
    outputs={},
    normalisation="",
    training=TrainingSummary(data=(), steps=0, seed=0, config=""),
    opset=17,
    onnx_sha256="",
)
BRAIN, LESION = 300.0, 380.0


class ByIntensity:
    """Says brain where the image is between skull and scalp; keeps the shapes it was given."""

    def __init__(self):
        self.shapes = []

    def run(self, names, inputs):
        image = inputs["image"]
        self.shapes.append(image.shape[2:])
        inside = ndimage.gaussian_filter(((image > 200) & (image < 400)).astype(np.float32), 0.6)
        tissue = np.concatenate([0.1 * inside, 0.4 * inside, 0.5 * inside], axis=1)
        return [inside, tissue]


@pytest.fixture
def network(monkeypatch):
    session = ByIntensity()
    monkeypatch.setattr(extraction, "_network", lambda model, threads: (CONTRACT, session))
    return session


def head_on(grid):
    """Brain of 300 in skull of 20 in scalp of 500; a lesion that reaches the brain's surface."""
    index = np.indices(grid.shape).reshape(3, -1)
    world = grid.affine[:3, :3] @ index + grid.affine[:3, 3:]
    x, y, z = world.reshape(3, *grid.shape)
    radius = np.sqrt((x / 62) ** 2 + (y / 78) ** 2 + (z / 58) ** 2)
    data = np.select([radius < 1, radius < 1.12, radius < 1.25], [BRAIN, 20.0, 500.0], 0.0)
    lesion = (x - 55) ** 2 + y**2 + z**2 < 10**2
    data[lesion & (radius < 1)] = LESION
    return Volume(data.astype(np.float32), grid), radius < 1


def overlap(one, other):
    return 2 * (one & other).sum() / (one.sum() + other.sum())


@pytest.mark.parametrize("codes", ["RAS", "LPS", "SAR", "PIR"])
def test_the_mask_lies_on_the_head_s_own_grid_whatever_its_axes(network, grid_of, codes):
    head, brain = head_on(grid_of((96, 116, 90), codes=codes))
    found = extract_brain(head)
    assert found.mask.shape == head.data.shape
    assert overlap(found.mask, brain) > 0.96


def test_thick_slices_are_no_obstacle(network, grid_of):
    head, brain = head_on(grid_of((180, 220, 32), spacing=(1.0, 1.0, 5.5)))
    assert overlap(extract_brain(head).mask, brain) > 0.95


def test_a_lesion_at_the_surface_is_kept(network, grid_of):
    head, _ = head_on(grid_of((96, 116, 90)))
    found = extract_brain(head)
    assert found.mask[head.data == LESION].mean() > 0.97


def test_tissues_are_shares_inside_the_mask(network, grid_of):
    head, _ = head_on(grid_of((96, 116, 90)))
    found = extract_brain(head)
    total = found.white + found.grey + found.csf
    assert total.dtype == np.float32
    assert total.max() <= 1 + 1e-5
    assert not total[~found.mask].any()


def test_the_second_look_is_at_the_brain_alone(network, grid_of):
    # A head with a long neck: the first look is at its upper part, the second at the brain.
    head, _ = head_on(grid_of((96, 116, 180), centre=(0, 0, -60)))
    neck = head.data.copy()
    neck[40:56, 50:66, : neck.shape[2] // 2] = 500
    extract_brain(Volume(neck, head.grid))
    first, second, mirrored = network.shapes
    assert mirrored == second
    assert first[2] * CONTRACT.grid.spacing_mm <= 200
    assert second[2] <= first[2]
    assert all(side % CONTRACT.grid.multiple == 0 for side in (*first, *second))


def test_no_look_is_at_more_than_training_saw(network, grid_of):
    head, _ = head_on(grid_of((130, 130, 120)))
    noise = np.random.default_rng(0).rayleigh(60, head.data.shape).astype(np.float32)
    extract_brain(Volume(head.data + noise, head.grid))
    assert all((np.array(shape) <= CONTRACT.grid.largest_shape).all() for shape in network.shapes)


@settings(max_examples=4, deadline=None)
@given(st.tuples(*[st.integers(0, 3)] * 3))
def test_empty_space_around_the_head_changes_nothing(blocks):
    # Multiples of 20 mm on both sides keep the network's voxels where they were.
    affine = np.diag([2.0, 2.0, 2.0, 1.0])
    affine[:3, 3] = -96, -116, -90
    head, _ = head_on(Grid((96, 116, 90), affine))
    pad = [10 * b for b in blocks]
    wide = np.pad(head.data, [(p, p) for p in pad])
    shifted = affine.copy()
    shifted[:3, 3] -= 2.0 * np.array(pad)
    session = ByIntensity()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(extraction, "_network", lambda model, threads: (CONTRACT, session))
        alone = extract_brain(head).mask
        padded = extract_brain(Volume(wide, Grid(wide.shape, shifted))).mask
    x, y, z = pad
    inner = padded[x : x + 96, y : y + 116, z : z + 90]
    assert padded.sum() == inner.sum()
    assert overlap(inner, alone) > 0.995


def test_a_mirrored_look_answers_for_the_same_voxels(network):
    blocks = np.random.default_rng(0).uniform(0, 600, (5, 6, 6)).astype(np.float32)
    image = np.kron(blocks, np.ones((8, 8, 8), np.float32))
    plain, mirrored = (
        extraction._look(network, image, (6, 4, 8), (24, 32, 16), mirrored=m) for m in (False, True)
    )
    assert plain[0].max() > 0.5
    assert np.allclose(plain[:, 4:-4, 4:-4, 4:-4], mirrored[:, 4:-4, 4:-4, 4:-4], atol=1e-3)


def test_a_cavity_is_filled_and_what_hangs_on_by_a_thread_is_cut_off():
    away = np.linalg.norm(np.indices((40, 40, 40)).T - 19, axis=-1).T
    brain = np.where(away < 12, 0.9, 0.0).astype(np.float32)
    solid = brain > 0.5
    brain[16:20, 16:20, 16:20] = 0.1
    brain[30:36, 19, 19] = 0.9
    brain[34:38, 15:23, 15:23] = 0.9
    found = tidy(brain, CONTRACT)
    assert found[solid].all()
    assert not found[34:].any()


def test_an_image_of_one_value_is_refused(network, grid_of):
    grid = grid_of()
    with pytest.raises(StudyError) as refused:
        extract_brain(Volume(np.full(grid.shape, 7, np.float32), grid, label="T1"))
    assert refused.value.code == "empty-image"
    assert "T1" in str(refused.value)


def test_an_image_without_a_brain_is_refused(network, grid_of):
    grid = grid_of()
    knee = np.zeros(grid.shape, np.float32)
    knee[20:50, 20:60, 20:50] = 700
    with pytest.raises(StudyError) as refused:
        extract_brain(Volume(knee, grid, label="knee"))
    assert refused.value.code == "no-brain"


def test_a_multitask_model_is_refused(grid_of):
    head, _ = head_on(grid_of())
    with pytest.raises(StudyError) as refused:
        extract_brain(head, model="default")
    assert refused.value.code == "model-damaged"


def test_noise_in_the_air_does_not_count_as_head(grid_of):
    head, _ = head_on(grid_of((96, 116, 90)))
    grid = coarse_grid(head.grid, 2.5)
    assert grid.shape == (77, 93, 72)
    noisy = head.data + np.random.default_rng(0).rayleigh(8, head.data.shape).astype(np.float32)
    quiet, loud = (head_spans(x, CONTRACT, "") for x in (head.data, noisy))
    for one, other in zip(quiet, loud, strict=True):
        assert abs(one.start - other.start) <= 2
        assert abs(one.stop - other.stop) <= 2


@pytest.mark.slow
def test_the_shipped_network_runs_without_torch():
    code = """
import sys
import numpy as np
from vasotype.findings import StudyError
from vasotype.prepare.extraction import extract_brain
from vasotype.stages import Grid, Volume
away = np.linalg.norm((np.indices((80, 96, 80)).T - [40, 48, 40]) / [26, 34, 26], axis=-1).T
head = np.select([away < 1, away < 1.1, away < 1.3], [300.0, 30.0, 500.0], 5.0)
try:
    extract_brain(Volume(head.astype(np.float32), Grid(head.shape, np.diag([2.5, 2.5, 2.5, 1]))))
except StudyError as error:
    assert error.code == "no-brain"
assert not {"torch", "monai", "onnx"} & set(sys.modules)
"""
    subprocess.run([sys.executable, "-c", code], check=True)
