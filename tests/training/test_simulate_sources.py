import re

import numpy as np
import pytest
from vasotype_training.lesion_crops import CropOptions, CropStream
from vasotype_training.simulate.sources import anatomy_places


def touch(*paths):
    for path in paths:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"")
    return list(paths)


def test_a_folder_holds_label_maps_and_studies(tmp_path):
    cohort = tmp_path / "brains"
    maps = touch(cohort / "head_16.nii.gz", cohort / "head_17.nii.bz2")
    touch(cohort / "readme.md", cohort / "BraTS2021_00001" / "BraTS2021_00001_t1ce.nii.gz")
    assert anatomy_places([cohort]) == [*maps, cohort / "BraTS2021_00001"]


def test_images_of_a_study_are_no_label_maps(tmp_path):
    study = tmp_path / "BraTS2021_00001"
    touch(*(study / f"BraTS2021_00001_{name}.nii.gz" for name in ("t1ce", "flair", "seg")))
    assert anatomy_places([study]) == [study]


def test_a_folder_of_tissue_maps_is_one_anatomy(tmp_path):
    touch(tmp_path / "prob_gm.nii.gz", tmp_path / "prob_wm.nii.gz")
    assert anatomy_places([tmp_path]) == [tmp_path]


def test_wildcards_stand_in_the_last_part(tmp_path):
    first, _ = touch(tmp_path / "head_01.nii.gz", tmp_path / "other.nii.gz")
    assert anatomy_places([tmp_path / "head_*"]) == [first]


@pytest.mark.parametrize("name", ["empty", "missing", "head_*"])
def test_a_place_without_anatomies_is_named(tmp_path, name):
    (tmp_path / "empty").mkdir()
    with pytest.raises(FileNotFoundError, match=re.escape(name)):
        anatomy_places([tmp_path / name])


def test_anatomies_take_turns_in_an_order_that_the_seed_fixes(tmp_path):
    places = [tmp_path / str(n) for n in range(20)]
    one, again, other = (CropStream(places, (), CropOptions(), (s,)) for s in (1, 1, 2))
    assert one.places == again.places != other.places
    assert set(one.places) == set(places)
    assert not np.array_equal(one.places, places)
