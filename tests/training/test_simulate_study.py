"""Whole studies: fixed by their seed, written at once, and read back as labelled studies."""

import csv
import json
from dataclasses import replace

import nibabel as nib
import numpy as np
import pytest
from vasotype_models.contract import ET, NETC
from vasotype_training.cohorts import read_labelled
from vasotype_training.simulate import StudyOptions, simulate_study, study, write_cohort
from vasotype_training.simulate.anatomy import RealBrain
from vasotype_training.simulate.plan import Population

OPTIONS = StudyOptions(
    healthy_share=0.0,
    population=Population(limits_mm=(2.0, 14.0)),
    most_lesions=4,
    badly_stripped_share=0.0,
)
IMAGES = ("t1n", "t1c", "t2w", "t2f", "rcbv", "ktrans", "tbr")


@pytest.fixture(scope="module")
def simulated(ball):
    return simulate_study([RealBrain(ball)], (), (21, 5), OPTIONS)


@pytest.fixture(scope="module")
def written(simulated, tmp_path_factory):
    folder = tmp_path_factory.mktemp("cohort") / simulated.name
    study.write_study(simulated, folder)
    return folder


def table(folder):
    with (folder / "truth" / "lesions.tsv").open(encoding="utf-8") as stream:
        return list(csv.DictReader(stream, delimiter="\t"))


def voxels(path):
    return np.asarray(nib.load(path).dataobj)


def test_the_same_seed_gives_the_same_study(ball, simulated):
    again = simulate_study([RealBrain(ball)], (), (21, 5), OPTIONS)
    for (name, image), (_, before) in zip(
        study.stored_images(again), study.stored_images(simulated), strict=True
    ):
        assert np.array_equal(image, before), name
    assert np.array_equal(again.scene.tissue, simulated.scene.tissue)
    assert study.fingerprint(again) == study.fingerprint(simulated)


def test_seed_and_number_both_change_the_study(ball, simulated):
    others = [simulate_study([RealBrain(ball)], (), s, OPTIONS) for s in ((21, 4), (22, 3))]
    prints = [study.fingerprint(s) for s in (simulated, *others)]
    assert all(len({p[name] for p in prints}) == 3 for name in ("plan", "t1n_mean", "t1c_sd"))


def test_a_study_is_laid_out_like_a_clinical_one_with_its_truth(written, simulated):
    name = simulated.name
    assert {p.name for p in written.iterdir()} == {
        *(f"{name}-{image}.nii.gz" for image in IMAGES),
        "simulation.json",
        "truth",
    }
    assert {p.name for p in (written / "truth").iterdir()} == {
        "segmentation.nii.gz",
        "instances.nii.gz",
        "low_permeability.nii.gz",
        "lesions.tsv",
    }
    record = json.loads((written / "simulation.json").read_text())
    assert record["simulated"] is True
    assert record["fingerprint"] == study.fingerprint(simulated)


def test_nothing_lies_outside_the_brain_and_no_brain_voxel_is_zero(written, ball, simulated):
    for image in ("t1n", "t1c", "t2w", "t2f"):
        data = voxels(written / f"{simulated.name}-{image}.nii.gz")
        assert np.array_equal(data > 0, ball.mask)


def test_the_table_tells_the_latents_of_every_instance(written):
    instances = voxels(written / "truth" / "instances.nii.gz")
    rows = table(written)
    assert rows
    assert {int(row["id"]) for row in rows} == set(np.unique(instances)) - {0}
    for row in rows:
        assert row["mode"] in ("angiogenic", "intermediate", "co_option")
        assert float(row["ktrans_per_min"]) > 0


def test_a_written_study_is_read_back_as_a_labelled_one(written, simulated):
    labelled = read_labelled(written)
    assert labelled.simulated
    assert np.array_equal(labelled.tissue, simulated.scene.tissue)
    for read, known in zip(labelled.lesions, simulated.scene.truth, strict=True):
        assert replace(read, rim_cnr=None) == known
        if read.rim_cnr is not None:
            assert read.rim_cnr == pytest.approx(simulated.visibility[read.id].t1c, abs=1e-3)
    assert any(read.rim_cnr is not None for read in labelled.lesions)


def test_a_study_that_could_not_be_written_leaves_nothing_behind(simulated, tmp_path, monkeypatch):
    def fail(*_):
        raise OSError("disk full")

    monkeypatch.setattr(study, "fingerprint", fail)
    with pytest.raises(OSError, match="disk full"):
        study.write_study(simulated, tmp_path / "case")
    assert not (tmp_path / "case").exists()
    monkeypatch.undo()
    study.write_study(simulated, tmp_path / "case")
    assert [p.name for p in tmp_path.iterdir()] == ["case"]


def test_a_cohort_that_was_cut_off_goes_on_without_redoing(ball, tmp_path):
    options = replace(OPTIONS, maps=False)
    list(write_cohort(tmp_path, 1, 5, [RealBrain(ball)], options=options))
    kept = tmp_path / "SIM-00005-0000" / "simulation.json"
    before = kept.stat().st_mtime_ns
    names = list(write_cohort(tmp_path, 2, 5, [RealBrain(ball)], options=options))
    assert names == ["SIM-00005-0000", "SIM-00005-0001"]
    assert kept.stat().st_mtime_ns == before
    assert not list((tmp_path / names[1]).glob("*-rcbv.nii.gz"))


def test_healthy_studies_have_no_lesion_but_all_files(ball, tmp_path):
    options = replace(OPTIONS, healthy_share=1.0, maps=False)
    [name] = write_cohort(tmp_path, 1, 6, [RealBrain(ball)], options=options)
    assert not voxels(tmp_path / name / "truth" / "segmentation.nii.gz").any()
    assert table(tmp_path / name) == []


def test_a_real_tumor_keeps_its_labels_and_is_left_out_of_scores(beside_a_tumor, tmp_path):
    sick = beside_a_tumor
    simulated = simulate_study([RealBrain(sick)], (), (8, 0), replace(OPTIONS, maps=False))
    study.write_study(simulated, tmp_path / "case")
    tissue = voxels(tmp_path / "case" / "truth" / "segmentation.nii.gz")
    exclude = voxels(tmp_path / "case" / "truth" / "exclude.nii.gz")
    assert (tissue[sick.tumor > 0] == ET).all()
    assert exclude[sick.tumor > 0].all()
    numbered = voxels(tmp_path / "case" / "truth" / "instances.nii.gz") > 0
    assert np.array_equal(numbered, np.isin(tissue, (NETC, ET)) & (sick.tumor == 0))


def test_a_study_of_series_hides_its_perfusion_maps_and_can_be_read(simulated, tmp_path):
    folder = tmp_path / simulated.name
    study.write_study(simulated, folder, series=True)
    assert not list(folder.glob("*rcbv*"))
    assert (voxels(folder / "truth" / "rcbv.nii.gz") > 0).any()
    read = read_labelled(folder).study.perfusion
    assert read.dsc.echo_time_s is not None
    assert len(read.dce.times_s) == read.dce.signal.shape[3]
    assert list(read.flip_angles.flip_angles_deg) == [2, 5, 10, 15]
