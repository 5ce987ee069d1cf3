"""Who the patient is stays in the DICOM objects: no log, report, table or file name tells it."""

import bz2
import gzip

import nibabel as nib
import numpy as np
import pytest
from typer.testing import CliRunner
from vasotype.cli import app
from vasotype.findings import StudyError
from vasotype.study import read_study
from vasotype.study.dicom import read_series
from vasotype.study.identity import Identity

PLANTED = {
    "PatientName": "ZYXWOMBAT^QUEENIE",
    "PatientID": "MRN-884422",
    "PatientBirthDate": "19510607",
    "AccessionNumber": "ACC77001",
    "InstitutionName": "HOSPITALXY",
    "ReferringPhysicianName": "REFERRER^RITA",
    "OperatorsName": "OPERATOR^OTTO",
    "PatientAddress": "WOMBATLANE 5",
    "OtherPatientNames": "ALIASNAME^ANNA",
    "StationName": "STATIONQ1",
    "DeviceSerialNumber": "SERIAL5566",
    "ProtocolName": "brain Zyxwombat",
    "StudyDescription": "MR head of QUEENIE ZYXWOMBAT, MRN 884422",
    "ImageComments": "Queenie moved",
}
TELLTALES = (
    "zyxwombat", "queenie", "884422", "19510607", "acc77001", "hospitalxy", "referrer",
    "operator^", "wombatlane", "aliasname", "stationq1", "serial5566",
)  # fmt: skip
SEQUENCES = {"t1n": "t1", "t1c": "t1", "t2w": "t2", "t2f": "flair"}


@pytest.fixture(scope="module")
def visit(tmp_path_factory, small_study, kit):
    """A study whose headers and folder name the patient."""
    nifti = small_study(tmp_path_factory.mktemp("nifti") / "case")
    folder = tmp_path_factory.mktemp("in") / "Zyxwombat_Queenie"
    for minute, (name, sequence) in enumerate(SEQUENCES.items()):
        image = nib.load(nifti / f"case-{name}.nii.gz")
        planted = f"{sequence} axial QUEENIE_ZYXWOMBAT MRN 884422"
        header = {**kit.sequences[sequence], **PLANTED, "SeriesDescription": planted}
        header |= {"AcquisitionTime": f"10{minute:02d}00", "SeriesNumber": minute + 1}
        if name == "t1c":
            post = {
                "ContrastBolusAgent": "Gd for Queenie",
                "SeriesDescription": "t1 post zyxwombat",
            }
            header |= post
        values = np.clip(np.asarray(image.dataobj), 0, None)
        kit.save(kit.of_volume(values, image.affine, **header), folder)
    return folder


def told(text):
    return [word for word in TELLTALES if word in text.lower()]


def plain_bytes(path):
    content = path.read_bytes()
    opened = {".gz": gzip.decompress, ".bz2": bz2.decompress}.get(path.suffix, bytes)(content)
    return opened.decode("latin-1")


def test_no_output_tells_who_the_patient_is(visit, tmp_path, caplog):
    output = tmp_path / "result"
    answer = CliRunner().invoke(
        app, ["--debug", "run", str(visit), "-o", str(output), "--threads", "1"]
    )
    assert answer.exit_code == 0, answer.stderr
    written = [path for path in output.rglob("*") if path.is_file()]
    assert {"report.html", "result.json", "lesions.tsv"} <= {path.name for path in written}
    assert told(" ".join(path.name for path in written)) == []
    assert told(answer.output + answer.stderr + caplog.text) == []
    for path in written:
        if path.suffix != ".dcm":  # DICOM results belong to the patient, and must say to whom
            assert told(plain_bytes(path)) == [], path.name


@pytest.mark.parametrize("verb", ["identify", "check"])
def test_no_table_tells_who_the_patient_is(visit, verb):
    for flag in ([], ["--json"]):
        answer = CliRunner().invoke(app, [verb, str(visit), *flag])
        assert answer.exit_code == 0, answer.stderr
        source = f'"source": "{visit.name}"'  # the path that the user gave, as it was given
        assert told((answer.output + answer.stderr).replace(source, "")) == []


def test_a_study_is_named_by_the_patient_only_when_asked_for(visit):
    study = read_study(visit)
    assert study.name.startswith("study-")
    assert study.name == read_study(visit).name
    assert "name-withheld" in {finding.code for finding in study.findings}
    assert read_study(visit, name="Queenie").name == "Queenie"


def test_a_series_keeps_what_its_description_says_besides_the_patient(visit):
    told_of = [series.facts for series in read_series(visit).series]
    assert {facts.description for facts in told_of} == {
        "t1 axial [...]_[...] [...]",
        "t1 post [...]",
        "t2 axial [...]_[...] [...]",
        "flair axial [...]_[...] [...]",
    }
    assert {facts.protocol for facts in told_of} == {"brain [...]"}
    assert "Gd for [...]" in {facts.agent for facts in told_of}


def test_a_damaged_series_does_not_name_the_patient(tmp_path, kit):
    slices = kit.classic(
        **PLANTED | {"SeriesDescription": "t1 post Queenie", "PatientID": "884422"}
    )
    kit.save(slices[:4] + slices[5:], tmp_path / "a")
    with pytest.raises(StudyError) as refusal:
        read_study(tmp_path / "a")
    assert "t1 post [...]" in str(refusal.value)
    assert told(str(refusal.value)) == []


def test_a_refusal_does_not_name_the_patient(tmp_path, kit):
    folder = tmp_path / "Zyxwombat"
    for date in ("20200101", "20200202"):
        kit.save(kit.classic(StudyDate=date, **PLANTED), folder)
    with pytest.raises(StudyError) as refusal:
        read_study(folder)
    assert refusal.value.code == "several-visits"
    assert told(str(refusal.value)) == []


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("DOE_JANE_2020", True),
        ("study of jane", True),
        ("MRN 88-44 22", True),
        ("t1 post DoeJane", True),
        ("jane2 t1", True),
        ("janet", False),
        ("patient7", False),
        ("", False),
    ],
)
def test_names_and_numbers_are_found_in_any_spelling(text, named):
    identity = Identity(frozenset({"doe", "jane"}), frozenset({"mrn884422"}), "1.2.3")
    assert identity.is_named_in(text) == named
    assert identity.is_named_in(identity.without(text)) is False
    assert "jane" not in repr(identity)
