"""Known brains to measure on, and the figures made of them."""

import nibabel as nib
import numpy as np
import pytest
from vasotype.findings import StudyError
from vasotype_training.brain import evaluate
from vasotype_training.brain.cases import find_cases
from vasotype_training.brain.heads import LABELS
from vasotype_training.brain.pictures import outline_picture, sheet


def save(path, data, spacing=2.0):
    path.parent.mkdir(parents=True, exist_ok=True)
    nib.save(nib.Nifti1Image(data, np.diag([spacing, spacing, spacing, 1])), path)


def head(shape=(60, 70, 60)):
    away = np.linalg.norm(np.indices(shape).T - np.array(shape) / 2, axis=-1).T
    image = np.select([away < 20, away < 24, away < 28], [300, 20, 500], 3).astype(np.int16)
    return image + (np.indices(shape).sum(axis=0) % 7).astype(np.int16), (away < 20)


@pytest.fixture
def heads(tmp_path):
    """One folder whose t1 has a mask of its own, one whose mask is that of the flair's grid."""
    image, brain = head()
    save(tmp_path / "heads" / "a" / "t1.nii.gz", image)
    save(tmp_path / "heads" / "a" / "t1_brain_mask.nii.gz", brain.astype(np.uint8))
    save(tmp_path / "heads" / "b" / "flair_axial.nii.gz", image)
    save(tmp_path / "heads" / "b" / "t1.nii.gz", image, spacing=2.2)
    save(tmp_path / "heads" / "b" / "brain_mask.nii.gz", brain.astype(np.uint8))
    return tmp_path / "heads"


def test_a_mask_belongs_to_the_image_of_its_name_or_of_its_grid(heads):
    cases = find_cases(heads, 5)
    assert not cases.simulated
    assert [case.name for case in cases] == ["a t1", "b flair_axial"]


def test_a_folder_with_neither_masks_nor_label_maps_is_refused(tmp_path):
    with pytest.raises(StudyError) as refused:
        find_cases(tmp_path, 5)
    assert refused.value.code == "truth-missing"


def test_simulated_heads_have_lesions_and_are_the_same_each_time(tmp_path):
    away = np.linalg.norm(np.indices((96, 96, 96)).T - 48, axis=-1).T
    labels = np.zeros(away.shape, np.uint8)
    for radius, kind in ((46, "skin"), (42, "bone"), (37, "csf"), (33, "cortex"), (28, "white")):
        labels[away < radius] = LABELS[kind][0]
    save(tmp_path / "maps" / "head.nii.gz", labels, spacing=1.0)
    cases = find_cases(tmp_path / "maps", 2)
    assert cases.simulated
    first, again = (list(cases) for _ in range(2))
    assert [case.tumor.any() for case in first] == [True, True]
    for one, other in zip(first, again, strict=True):
        assert np.array_equal(one.head.data, other.head.data)


def test_figures_tell_what_was_missed_and_what_was_kept(heads, tmp_path, monkeypatch):
    def half(head, **_):
        mask = np.abs(head.data - 303) < 50
        mask[: mask.shape[0] // 2] = False
        return type("Found", (), {"mask": mask})()

    monkeypatch.setattr(evaluate, "extract_brain", half)
    from vasotype_models.registry import resolve

    figures = evaluate.evaluate_brain([heads], resolve("brain"), tmp_path / "out")
    values = {(f.variant, f.metric): f.value for f in figures.figures}
    assert values["all", "mean share of the brain missed"] == pytest.approx(0.5, abs=0.02)
    assert values["all", "mean Dice"] == pytest.approx(2 / 3, abs=0.02)
    assert len((tmp_path / "out" / "heads.tsv").read_text().splitlines()) == 3
    assert (tmp_path / "out" / "heads.png").is_file()


def test_the_picture_outlines_the_known_brain_in_green_and_the_found_one_in_red():
    from vasotype.stages import Grid, Volume

    image, brain = head()
    volume = Volume(image.astype(np.float32), Grid(image.shape, np.diag([2.0, 2.0, 2.0, 1.0])))
    pixels = np.asarray(sheet([outline_picture(volume, brain, np.roll(brain, 4, axis=1))]))
    red, green, blue = (pixels[..., channel].astype(int) for channel in range(3))
    assert ((green > 200) & (red < 100) & (blue < 120)).sum() > 100
    assert ((red > 200) & (green < 100) & (blue < 120)).sum() > 100
