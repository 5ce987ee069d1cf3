"""Sidecars and unusual names: what they say is used, what they don't say stays open."""

import json

import pytest
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
