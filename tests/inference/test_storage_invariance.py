"""How a study is stored changes nothing: axis order, flips, compression, scale, origin."""

from itertools import permutations, product

import nibabel as nib
import numpy as np
import pytest
import vasotype
from hypothesis import given, settings
from hypothesis import strategies as st
from vasotype.prepare import prepare, to_native
from vasotype.study import read_study
from vasotype_models.contract import CHANNELS

ORIENTATIONS = [
    "".join(pair[flip] for pair, flip in zip(order, flips, strict=True))
    for order in permutations(["RL", "AP", "SI"])
    for flips in product((0, 1), repeat=3)
]
STORED = st.fixed_dictionaries(
    {
        "codes": st.sampled_from(ORIENTATIONS),
        "ending": st.sampled_from([".nii", ".nii.gz", ".nii.bz2"]),
        "scale": st.floats(0.01, 100.0),
        "shift_mm": st.tuples(*[st.integers(-60, 60)] * 3),
    }
)
PLAIN = {"codes": "RAS", "ending": ".nii", "scale": 1.0, "shift_mm": (0, 0, 0)}


def store(image, path, *, codes, ending, scale, shift_mm):
    """Write an image in another way, without changing what it shows."""
    wanted = nib.orientations.axcodes2ornt(tuple(codes))
    turn = nib.orientations.ornt_transform(nib.io_orientation(image.affine), wanted)
    turned = image.as_reoriented(turn)
    affine = turned.affine.copy()
    affine[:3, 3] += shift_mm
    values = np.asarray(turned.dataobj, dtype=np.float32) * np.float32(scale)
    nib.save(nib.Nifti1Image(values, affine), path.with_name(f"{path.name}{ending}"))


def canonical(labels, grid, shift_mm):
    """Labels in the order R, A, S, and where they lay before the shift."""
    image = nib.as_closest_canonical(nib.Nifti1Image(labels.astype(np.uint8), grid.affine))
    affine = image.affine.copy()
    affine[:3, 3] -= shift_mm
    return np.asarray(image.dataobj), affine


@pytest.fixture(scope="module")
def images(phantom, grid_of):
    grid = grid_of((64, 80, 60), (2, 2, 2))
    pair = {channel: phantom(grid, channel) for channel in ("t1c", "flair")}
    return {c: nib.Nifti1Image(volume.data, volume.grid.affine) for c, volume in pair.items()}


def bright(images, folder, **stored):
    """What stands out on the prepared T1c, brought back to its native grid."""
    folder.mkdir(exist_ok=True)
    for channel, image in images.items():
        store(image, folder / channel, **stored)
    prepared = prepare(read_study(folder))
    place = CHANNELS.index("t1c")
    location, spread = prepared.stats[place]
    score = (prepared.image[place] - location) / spread * prepared.mask
    # Interpolated: which voxel is the nearest can be a matter of rounding.
    native = to_native(score[None], prepared.grid, prepared.native.grid, 1)[0] > 4
    return canonical(native, prepared.native.grid, stored["shift_mm"])


@settings(max_examples=6, deadline=None)
@given(stored=STORED)
def test_a_bright_lesion_is_the_same_however_it_is_stored(images, tmp_path_factory, stored):
    expected, home = bright(images, tmp_path_factory.mktemp("plain"), **PLAIN)
    labels, affine = bright(images, tmp_path_factory.mktemp("other"), **stored)
    np.testing.assert_allclose(affine, home, atol=1e-4)
    assert expected.sum() > 300
    assert (labels != expected).sum() <= 0.005 * expected.sum()


@pytest.mark.slow
def test_the_whole_chain_gives_the_same_in_all_axis_orders(small_study, tmp_path):
    model = vasotype.load(device="cpu", threads=1)
    plain = small_study(tmp_path / "plain")
    expected = model.analyse(plain)
    rng = np.random.default_rng(0)
    for number, codes in enumerate(ORIENTATIONS):
        stored = {
            "codes": codes,
            "ending": (".nii", ".nii.gz")[number % 2],
            "scale": float(10 ** rng.uniform(-2, 2)),
            "shift_mm": tuple(rng.integers(-40, 40, 3).tolist()),
        }
        folder = tmp_path / codes
        folder.mkdir()
        for path in plain.iterdir():
            store(nib.load(path), folder / path.name.removesuffix(".nii.gz"), **stored)
        got = model.analyse(folder)
        labels, _ = canonical(got.lesions.native_tissue, got.prepared.native.grid, (0, 0, 0))
        home, _ = canonical(
            expected.lesions.native_tissue, expected.prepared.native.grid, (0, 0, 0)
        )
        assert len(got.lesions.lesions) == len(expected.lesions.lesions)
        assert (labels != home).sum() <= max(2, 0.01 * (home > 0).sum())
