"""Small synthetic studies, made by hand: what a perfect network would have said of them."""

import nibabel as nib
import numpy as np
import pytest
from vasotype.stages import Grid, Maps, Prepared, Volume
from vasotype_models.contract import CHANNELS, ET, NETC, SNFH, STRUCTURAL


def ball(shape, centre, radius):
    """Voxels of a ball on a 1 mm grid."""
    index = np.stack(np.meshgrid(*map(np.arange, shape), indexing="ij"), axis=-1)
    return np.linalg.norm(index - np.array(centre), axis=-1) <= radius


def probabilities(shape, lesions):
    """Tissue probabilities [4, X, Y, Z] of lesions, each a dict of ``at`` and radii in voxels.

    ``core`` is the radius of the tumor, ``necrosis`` of its dead centre, ``edema`` of the swelling
    around it; ``p`` is the probability of the labelled class.
    """
    tissue = np.zeros((4, *shape), np.float32)
    tissue[0] = 1.0
    for part, label in (("edema", SNFH), ("core", ET), ("necrosis", NETC)):
        for lesion in lesions:
            if part in lesion:
                inside = ball(shape, lesion["at"], lesion[part])
                p = lesion.get("p", 0.999)
                tissue[:, inside] = 0.0
                tissue[label, inside], tissue[0, inside] = p, 1.0 - p
    return tissue


def prepared_of(tissue, channels, native):
    """A study whose T1c is bright where tumor enhances, on a grid away from the world's origin."""
    shape = tissue.shape[1:]
    affine = np.eye(4)
    affine[:3, 3] = -30.0, -40.0, 10.0
    grid = Grid(shape, affine)
    mask = np.zeros(shape, bool)
    mask[2:-2, 2:-2, 2:-2] = True
    noise = np.random.default_rng(0).normal(100.0, 10.0, (len(CHANNELS), *shape))
    image = (noise * mask).astype(np.float32)
    image[CHANNELS.index("t1c")] += 80.0 * tissue[ET]
    present = tuple(channel in channels for channel in CHANNELS)
    image[~np.array(present)] = 0.0
    stats = np.array([[100.0, 10.0]] * 4 + [[0.0, 1.0]] * 3, np.float32)
    native = native or grid
    volume = Volume(np.zeros(native.shape, np.float32), native)
    return Prepared("made", image, mask, present, stats, grid, volume)


def write_small_study(folder, case="case", channels=("t1n", "t1c", "t2w", "t2f")):
    """A small skull-stripped head: smooth noise in an ellipsoid, with one bright ring on T1c."""
    folder.mkdir(parents=True)
    rng = np.random.default_rng(1)
    index = np.stack(np.meshgrid(*[np.arange(72)] * 3, indexing="ij"), axis=-1)
    brain = np.linalg.norm((index - 36) / [26, 30, 24], axis=-1) <= 1
    distance = np.linalg.norm(index - [28, 40, 38], axis=-1)
    for channel in channels:
        image = rng.normal(400, 30, brain.shape)
        if channel == "t1c":
            image[(distance > 4) & (distance < 8)] += 400
        if channel == "t2f":
            image[distance < 13] += 200
        values = np.where(brain, image, 0).astype(np.float32)
        affine = np.diag([-1.0, -1.0, 1.0, 1.0])
        nib.save(nib.Nifti1Image(values, affine), folder / f"{case}-{channel}.nii.gz")
    return folder


@pytest.fixture(scope="session")
def small_study():
    """Writes a study that one tile covers: ``small_study(folder, case=..., channels=...)``."""
    return write_small_study


@pytest.fixture
def tissue_of():
    """Tissue probabilities of lesions: ``tissue_of(shape, [dict(at=..., core=4), ...])``."""
    return probabilities


@pytest.fixture
def scene():
    """Prepared study and perfect maps: ``scene([dict(at=..., core=4)], channels=..., native=...)``.

    The habitat leans to angiogenic by two units of logit in each core.
    """

    def build(lesions, *, channels=STRUCTURAL, native=None, shape=(48, 48, 48)):
        tissue = probabilities(shape, lesions)
        habitat = np.zeros((5, *shape), np.float32)
        habitat[0, tissue[NETC] + tissue[ET] > 0.5] = 2.0
        maps = Maps(tissue, habitat, "CPUExecutionProvider")
        return prepared_of(tissue, channels, native), maps

    return build


@pytest.fixture
def cluster():
    """Two worker processes, each restarted by its nanny when it dies."""
    distributed = pytest.importorskip("distributed")
    with distributed.LocalCluster(
        n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None
    ) as cluster:
        yield cluster
        # A nanny that is closed while it restarts its worker fails the teardown.
        with distributed.Client(cluster) as client:
            client.wait_for_workers(2, timeout=60)
