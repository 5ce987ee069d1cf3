"""Sidecars and unusual names: what they say is used, what they don't say stays open."""

import json

import pytest
from typer.testing import CliRunner
from vasotype.cli import app
from vasotype.stages import AcquisitionFacts
from vasotype.study import read_study
from vasotype.study.sidecar import read_facts


def beside(tmp_path, content):
    (tmp_path / "a.json").write_text(content if isinstance(content, str) else json.dumps(content))
    return read_facts(tmp_path / "a.nii.gz")


def test_bids_seconds_become_milliseconds(tmp_path):
    facts = beside(
        tmp_path,
        {"RepetitionTime": 1.9, "EchoTime": 0.00293, "InversionTime": 0.9, "FlipAngle": 9}
        | {"MagneticFieldStrength": 3, "ScanningSequence": "GR_IR", "MRAcquisitionType": "3D"},
    )
    assert (facts.tr_ms, facts.te_ms, facts.ti_ms) == (1900, 2.93, 900)
    assert (facts.field_t, facts.scanning, facts.acquisition) == (3, ("GR", "IR"), "3D")


@pytest.mark.parametrize(
    "content",
    [
        *("", "[]", "{", "nonsense", "[" * 100_000),
        '{"EchoTime": "fast", "RepetitionTime": NaN}',
        '{"EchoTime": -1, "FlipAngle": true, "AcquisitionTime": 7}',
        '{"EchoTime": 1e999}',
    ],
)
def test_a_sidecar_that_makes_no_sense_says_nothing(tmp_path, content):
    assert beside(tmp_path, content) == AcquisitionFacts(modality="MR")


def test_an_image_needs_no_sidecar(tmp_path):
    assert read_facts(tmp_path / "a.nii.gz") == AcquisitionFacts(modality="MR")


TELLING = {
    "PatientName": "ZYXWOMBAT^QUEENIE",
    "PatientID": 884422,
    "PatientBirthDate": "1951-06-07",
    "InstitutionName": "HOSPITALXY",
    "ReferringPhysicianName": "REFERRER^RITA",
    "AcquisitionDateTime": "2019-11-23T10:00:00",
    "SeriesDescription": "t1 post Zyxwombat_Queenie born 19510607",
    "ProtocolName": "brain of Queenie, 88-44-22",
    "PulseSequenceName": "queenie spc",
    "BodyPartExamined": "ZYXWOMBAT",
    "MRAcquisitionType": "3D Queenie",
    "ContrastBolusIngredient": "Gd for Queenie",
    "Manufacturer": "Zyxwombat Medical",
}
TELLTALES = (
    *("zyxwombat", "queenie", "884422", "88-44-22", "1951", "hospitalxy", "referrer"),
    *("2019-11-23", "20191123"),
)


def told(text):
    return [word for word in TELLTALES if word in text.lower()]


def test_what_a_sidecar_says_of_the_image_does_not_name_the_patient(tmp_path):
    facts = beside(tmp_path, TELLING)
    assert facts.description == "t1 post [...]_[...] born [...]"
    assert facts.protocol == "brain of [...], [...]"
    assert (facts.agent, facts.scanner) == ("Gd for [...]", "[...] Medical")
    assert told(repr(facts)) == []


@pytest.mark.parametrize("unusual", [False, True], ids=["usual names", "unusual names"])
def test_a_sidecar_makes_no_result_or_table_name_the_patient(tmp_path, small_study, unusual):
    folder = small_study(tmp_path / "case", channels=("t1c", "t2f"))
    for number, image in enumerate(sorted(folder.glob("*.nii.gz"))):
        name = f"000{number}" if unusual else image.name.removesuffix(".nii.gz")
        image.rename(folder / f"{name}.nii.gz")
        (folder / f"{name}.json").write_text(json.dumps(TELLING))
    output = tmp_path / "result"
    commands = [
        ["identify", str(folder)],
        ["identify", str(folder), "--json"],
        ["check", str(folder), "--json"],
        ["--debug", "run", str(folder), "-o", str(output), "--threads", "1"],
    ]
    for command in commands:
        answer = CliRunner().invoke(app, command)
        assert told(answer.output + answer.stderr) == [], command
    for path in output.rglob("*"):
        assert path.is_dir() or told(path.read_bytes().decode("latin-1")) == [], path.name
    if not unusual:
        assert "Gd for [...]" in (output / "result.json").read_text(encoding="utf-8")


def rename(folder, names):
    for old, new in names.items():
        (folder / f"{old}.nii.gz").rename(folder / new)
    return read_study(folder)


def chosen(study):
    return {channel: volume.path.name for channel, volume in study.volumes.items()}


@pytest.mark.parametrize(
    "names",
    [
        {"t1": "03_AX_T1_pre.nii.gz", "t1c": "09 AX T1 POST GAD.nii.gz"}
        | {"t2": "AX_T2_TSE_4mm.nii.gz", "flair": "ax FLAIR fs.nii"},
        {"t1": "t1_mprage_native_sag.nii.gz", "t1c": "t1_mprage_sag_mit_KM.nii.gz"}
        | {"t2": "t2_tse_tra.nii.gz", "flair": "t2_space_dark-fluid.nii.gz"},
    ],
)
def test_unusual_names_are_told_by_their_words_and_said(tmp_path, write_study, names):
    folder = write_study(tmp_path / "p")
    names = {channel: name.removesuffix(".gz") + ".gz" for channel, name in names.items()}
    study = rename(folder, names)
    assert chosen(study) == names
    said = [finding.message for finding in study.findings if finding.code == "sequence-guessed"]
    assert len(said) == 4
    assert "image-not-used" not in {finding.code for finding in study.findings}


def test_a_sidecar_tells_what_a_name_does_not(tmp_path, write_study):
    folder = write_study(tmp_path / "p", channels=("t1c", "flair"))
    physics = {"ScanningSequence": "SE_IR", "RepetitionTime": 9, "EchoTime": 0.12}
    (folder / "0007.json").write_text(json.dumps(physics | {"InversionTime": 2.5}))
    study = rename(folder, {"flair": "0007.nii.gz"})
    assert chosen(study) == {"t1c": "t1c.nii.gz", "flair": "0007.nii.gz"}
    assert [(one.kind, one.channel) for one in study.series] == [("t1c", "t1c"), ("flair",) * 2]


def test_usual_names_win_over_guesses(tmp_path, write_study):
    folder = write_study(tmp_path / "p")
    (folder / "flair.nii.gz").unlink()
    (folder / "t2.nii.gz").rename(folder / "old T2 TSE copy.nii.gz")
    (folder / "case_T2w.nii.gz").write_bytes((folder / "t1.nii.gz").read_bytes())
    study = read_study(folder)
    assert chosen(study)["t2"] == "case_T2w.nii.gz"
    assert "flair" not in chosen(study)


def test_a_bids_session_is_read_with_its_perfusion_folder(tmp_path, write_study):
    session = tmp_path / "sub-01" / "ses-2"
    names = {"t1": "T1w", "t1c": "ce-gadolinium_T1w", "t2": "T2w", "flair": "FLAIR"}
    write_study(session / "anat")
    for channel, suffix in names.items():
        (session / "anat" / f"{channel}.nii.gz").rename(
            session / "anat" / f"sub-01_ses-2_{suffix}.nii.gz"
        )
    write_study(session / "perf", channels=("t1c",), pattern="sub-01_ses-2_rcbv.nii.gz")
    study = read_study(session)
    assert study.name == "sub-01_ses-2"
    assert set(study.volumes) == {"t1", "t1c", "t2", "flair", "rcbv"}
