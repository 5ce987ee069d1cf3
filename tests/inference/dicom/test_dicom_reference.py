"""Results of NIfTI studies refer to the DICOM series that the images were converted from."""

from dataclasses import replace

import highdicom as hd
import nibabel as nib
import numpy as np
import pytest
from vasotype.findings import StudyError
from vasotype.outputs import OutputOptions
from vasotype.outputs.dicom import write_dicom
from vasotype.stages import Grid, Study, Volume
from vasotype.study.dicom import read_series
from vasotype.study.reference import refer_to


@pytest.fixture(scope="module")
def place(kit, tmp_path_factory):
    return kit.save(kit.classic(kit.Plan(orientation="oblique")), tmp_path_factory.mktemp("series"))


def turned(volume, codes="RSA"):
    """The same image with its axes in another order, as a converter might leave it."""
    wanted = nib.orientations.axcodes2ornt(tuple(codes))
    change = nib.orientations.ornt_transform(nib.io_orientation(volume.grid.affine), wanted)
    data = nib.orientations.apply_orientation(volume.data, change)
    affine = volume.grid.affine @ nib.orientations.inv_ornt_aff(change, volume.grid.shape)
    return Volume(np.asarray(data), Grid(data.shape, affine), label="t1c.nii.gz")


def study_of(place, change=turned):
    [series] = read_series(place).series
    return Study("made", {"t1c": change(series.read())})


def test_an_image_is_tied_to_the_series_it_came_from(place):
    study = refer_to(study_of(place), place)
    source = study.volumes["t1c"].source
    assert len(source.headers) == 12
    assert study.volumes["t1c"].name == "t1c.nii.gz"


def moved(volume):
    affine = volume.grid.affine.copy()
    affine[:3, 3] += 500
    return replace(volume, grid=Grid(volume.grid.shape, affine))


def another(volume):
    noise = np.random.default_rng(0).normal(1000, 50, volume.data.shape)
    return replace(volume, data=noise.astype(np.float32))


@pytest.mark.parametrize("change", [moved, another])
def test_another_place_or_patient_is_refused(place, change):
    with pytest.raises(StudyError) as refusal:
        refer_to(study_of(place, change), place)
    assert refusal.value.code == "reference-mismatch"


def test_a_nifti_file_is_no_reference(place, phantom, save_image, grid_of, tmp_path):
    path = save_image(tmp_path / "t1c.nii.gz", phantom(grid_of()))
    with pytest.raises(StudyError) as refusal:
        refer_to(study_of(place), path)
    assert refusal.value.code == "reference-not-dicom"


def test_segments_go_back_to_the_planes_of_the_series(results_of, tmp_path):
    """The same labels, now on the axes of a converted file, give the same segments."""
    results = results_of("sagittal", "classic")
    lesions, prepared = results.analysis.lesions, results.analysis.prepared
    native = turned(prepared.native)
    labels = [
        turned(Volume(values, prepared.native.grid)).data
        for values in (lesions.native_tissue, lesions.native_instances)
    ]
    analysis = replace(
        results.analysis,
        prepared=replace(prepared, native=native),
        lesions=replace(lesions, native_tissue=labels[0], native_instances=labels[1]),
    )
    write_dicom(analysis, prepared.native.source, tmp_path / "dicom", OutputOptions())
    for name in ("tissues-seg.dcm", "lesions-seg.dcm"):
        before, after = (
            hd.seg.segread(folder / name).get_volume(combine_segments=True)
            for folder in (results.folder, tmp_path / "dicom")
        )
        assert np.array_equal(before.array, after.array)
        assert np.allclose(before.affine, after.affine)
