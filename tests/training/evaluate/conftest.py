"""A small cohort on disk, and a runtime that needs no network."""

import nibabel as nib
import numpy as np
import pytest
import vasotype
from evaluation import LPS, FakeRuntime, cube


@pytest.fixture
def cohort(tmp_path):
    """Three simulated cases: two with a bright lesion each, one tumor-free."""
    folder = tmp_path / "dev"
    rng = np.random.default_rng(1)
    for number in range(3):
        case = folder / f"case-{number}"
        tissue = cube(((8, 8, 8), 8, 3)) if number < 2 else cube()
        (case / "truth").mkdir(parents=True)
        for channel in ("t1n", "t1c", "t2w", "t2f"):
            data = rng.uniform(1, 50, tissue.shape).astype(np.float32)
            if channel == "t1c":
                data[tissue > 0] = 200
            nib.save(nib.Nifti1Image(data, LPS), case / f"case-{number}-{channel}.nii.gz")
        for name in ("segmentation", "instances"):
            values = tissue if name == "segmentation" else (tissue > 0).astype(np.uint8)
            nib.save(nib.Nifti1Image(values, LPS), case / f"truth/{name}.nii.gz")
        row = "1\tangiogenic\tno\tsimulation\n" if number < 2 else ""
        (case / "simulation.json").write_text("{}")
        (case / "truth/lesions.tsv").write_text("id\tmode\tmimicry\tsource\n" + row)
    return folder


@pytest.fixture
def runtime(monkeypatch):
    fake = FakeRuntime()
    monkeypatch.setattr(vasotype, "load", lambda *_: fake)
    return fake
