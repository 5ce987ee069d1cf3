import json
import subprocess
import sys
from dataclasses import replace

import nibabel as nib
import numpy as np
import pytest
import vasotype
from vasotype.findings import StudyError
from vasotype.phenotype.known import Known
from vasotype.phenotype.treatment import consider_treatment
from vasotype.result import PathologyRecord
from vasotype.study.extras import Extras

PLAIN = vasotype.OutputOptions(report=False)


@pytest.fixture(scope="module")
def study(tmp_path_factory, small_study):
    return small_study(tmp_path_factory.mktemp("cohort") / "case")


@pytest.fixture(scope="module")
def model():
    return vasotype.load(device="cpu", threads=1)


def test_a_folder_becomes_a_result_that_reads_back_as_it_was_returned(model, study, tmp_path):
    result = model.run(study, tmp_path / "out", PLAIN)
    assert vasotype.Result.read(tmp_path / "out") == result
    assert list(result.timings_s) == [
        "read", "check", "register", "prepare",
        "segment", "perfusion", "measure", "phenotype", "write",
    ]  # fmt: skip
    assert {entry.channel for entry in result.inputs} == {"t1", "t1c", "t2", "flair"}
    assert result.missing == ("rcbv", "ktrans", "tbr")
    assert result.provider == "CPUExecutionProvider"
    segmentation = nib.load(tmp_path / "out" / "segmentation.nii.gz")
    assert segmentation.shape == (72, 72, 72)
    assert np.array_equal(segmentation.affine, np.diag([-1.0, -1.0, 1.0, 1.0]))


def test_each_stage_is_told_when_it_begins(model, study, tmp_path, caplog):
    with caplog.at_level("INFO", logger="vasotype"):
        model.run(study, tmp_path / "out", PLAIN)
    assert caplog.messages == [
        "read", "check", "register", "prepare",
        "segment", "perfusion", "measure", "phenotype", "write",
    ]  # fmt: skip


def test_a_file_named_by_hand_joins_those_of_the_folder(model, study):
    extra = {"rcbv": study / "case-t2w.nii.gz"}
    result = model.run(study, overrides=extra)
    assert {entry.channel for entry in result.inputs} == {"t1", "t1c", "t2", "flair", "rcbv"}
    assert "read" in result.timings_s


def test_clinical_facts_travel_in_the_result_and_reach_every_lesion(model, study, tmp_path):
    facts = {"primary": "lung", "scan_date": "2024-05-31"}
    facts["radiotherapy"] = [{"technique": "whole_brain", "date": "2024-05-01"}]
    (tmp_path / "facts.json").write_text(json.dumps(facts), "utf-8")
    result = model.run(study, extras=Extras(clinical=tmp_path / "facts.json"))
    assert result.clinical.radiotherapy[0].days_since == 30
    assert result.clinical.steroids is None
    assert "2024-05" not in result.model_copy(update={"created": ""}).model_dump_json()
    assert all(lesion.phenotype.abstained for lesion in result.lesions)
    assert all(lesion.after_treatment.irradiated for lesion in result.lesions)


def test_pathology_and_a_site_s_limits_reach_the_reading_after_treatment(model, study, tmp_path):
    facts = {"radiotherapy": [{"technique": "whole_brain"}]}
    (tmp_path / "facts.json").write_text(json.dumps(facts), "utf-8")
    seen = []

    def considered(phenotypes, biomarkers, clinical, rules, pathology):
        seen.append((rules.viable_tumor, pathology))
        return consider_treatment(phenotypes, biomarkers, clinical, rules, pathology)

    tissue = (PathologyRecord(lesion=1, mode="angiogenic"),)
    rules = model.rules.model_copy(update={"viable_tumor": {"rcbv_mean": 1.2}})
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("vasotype.pipeline.consider_treatment", considered)
        replace(model, rules=rules).run(
            study, known=Known(pathology=tissue), extras=Extras(clinical=tmp_path / "facts.json")
        )
    assert seen == [({"rcbv_mean": 1.2}, tissue)]


def test_the_same_study_gives_the_same_result(model, study):
    first, second = model.run(study), model.run(str(study))
    assert first.lesions == second.lesions
    assert first.total_volume_ml == second.total_volume_ml


def test_nothing_is_analysed_when_the_output_is_taken(model, study, tmp_path, monkeypatch):
    (tmp_path / "notes.txt").write_text("mine")
    monkeypatch.setattr("vasotype.pipeline.prepare", pytest.fail)
    with pytest.raises(StudyError) as refusal:
        model.run(study, tmp_path, PLAIN)
    assert refusal.value.code == "output-exists"


def test_stage_values_are_consistent(model, study):
    analysis = model.analyse(study)
    assert analysis.maps.tissue.shape[1:] == analysis.prepared.grid.shape
    assert analysis.lesions.native_tissue.shape == analysis.prepared.native.grid.shape
    assert len(analysis.lesions.lesions) == len(analysis.result.lesions)


def test_an_unknown_model_is_refused_with_the_known_names():
    with pytest.raises(StudyError, match="default") as refusal:
        vasotype.load("nosuch")
    assert refusal.value.code == "model-unknown"


def test_the_package_has_no_other_public_names():
    with pytest.raises(AttributeError, match="nosuch"):
        _ = vasotype.nosuch


HEAVY = ("torch", "monai", "lightning", "torchio", "nilearn", "onnx", "matplotlib", "SimpleITK")
CHAIN = """
import json, sys, vasotype
early = sorted(sys.modules)
vasotype.load(threads=1).run({study!r}, {output!r}, vasotype.OutputOptions(report=False))
print(json.dumps([early, sorted(sys.modules)]))
"""


def test_the_whole_chain_runs_without_torch_and_the_package_alone_stays_light(study, tmp_path):
    script = CHAIN.format(study=str(study), output=str(tmp_path / "out"))
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    early, late = json.loads(run.stdout)
    assert not {*HEAVY, "numpy", "onnxruntime", "pydicom"} & set(early)
    assert not set(HEAVY) & set(late)
