"""How a study was acquired: what is measured is there, and each requirement is judged."""

import json
from dataclasses import replace
from datetime import datetime

import numpy as np
import pytest
from dicom_series import SEQUENCES, classic_series, save
from typer.testing import CliRunner
from vasotype.acquisition import acquisition_findings, check, minutes_after_contrast
from vasotype.acquisition.measure import covered_share, ghosting, noise, slice_shift_mm
from vasotype.acquisition.protocol import default_protocol, read_protocol
from vasotype.acquisition.rules import GHOSTING, SHIFT_MM, UNREADABLE
from vasotype.cli import app
from vasotype.findings import StudyError
from vasotype.result import AcquisitionReport, Result
from vasotype.stages import AcquisitionFacts, SourceSeries, Study, Volume

FINE = (1.0, 1.0, 1.0)
MPRAGE = AcquisitionFacts(
    acquisition="3D", scanning=("GR", "IR"), tr_ms=1900, te_ms=3, ti_ms=900, flip_deg=9, field_t=3.0
)


BOLUS = AcquisitionFacts(tr_ms=1300, te_ms=30, flip_deg=60, field_t=3.0)


@pytest.fixture
def head(phantom, grid_of):
    volume = phantom(grid_of((96, 112, 92), FINE), "t1c")
    return volume.data, volume.data > 0


@pytest.mark.parametrize("snr", [10, 20, 40])
def test_noise_that_was_added_is_measured(head, snr):
    data, mask = head
    sigma = float(np.median(data[mask])) / snr
    noisy = data + np.random.default_rng(1).normal(0, sigma, data.shape).astype(np.float32)
    assert noise(noisy, mask, FINE) == pytest.approx(sigma, rel=0.1)


def test_coarse_voxels_say_nothing_of_noise(head):
    data, mask = head
    assert noise(data, mask, (2.0, 2.0, 2.0)) is None


def in_air(data):
    """The head in a wider field of view, with noise all around."""
    wide = np.zeros((160, 176, 20), np.float32)
    wide[32:128, 32:144] = data[:, :, 36:56]
    return wide + np.abs(np.random.default_rng(2).normal(0, 6, wide.shape)).astype(np.float32)


def test_ghosts_along_one_axis_are_seen_and_even_air_is_none(head):
    still = in_air(head[0])
    mask = still > 150
    ghost = still + 0.08 * np.roll(still, 88, axis=1)
    assert ghosting(still, mask, FINE, slices=2) < 0.2 * GHOSTING
    assert ghosting(ghost, mask, FINE, slices=2) > GHOSTING


def test_air_that_was_set_to_one_value_says_nothing(head):
    data, mask = head
    assert ghosting(np.pad(data, 30), np.pad(mask, 30), FINE, slices=2) is None


@pytest.mark.parametrize("moved", [0, 1, 3])
def test_slices_that_moved_in_turns_are_measured_in_mm(head, moved):
    room = ((12, 12), (12, 12), (0, 0))  # so that nothing leaves the picture
    sheets = np.moveaxis(np.pad(head[1][:, :, ::4], room), 2, 0).copy()
    sheets[::2] = np.roll(sheets[::2], moved, axis=1)
    shift = slice_shift_mm(np.moveaxis(sheets, 0, 2), (1.0, 1.0, 4.0), slices=2)
    assert shift == pytest.approx(moved, abs=0.15)
    assert (shift > SHIFT_MM) == (moved >= 1)


def test_coverage_is_the_share_of_the_head_in_a_field_of_view(grid_of):
    whole = grid_of((40, 40, 40), (2, 2, 2))
    half = grid_of((20, 40, 40), (2, 2, 2), centre=(-20.0, 0.0, 0.0))
    mask = np.ones(whole.shape, bool)
    assert covered_share(mask, whole, whole) == 1
    assert covered_share(mask, whole, half) == pytest.approx(0.5, abs=0.05)


@pytest.fixture
def study(phantom, grid_of):
    """Four sequences as one would wish them, with headers."""
    grid = grid_of((72, 88, 68), (2, 2, 2))
    minutes = {"t1": 0, "flair": 5, "t2": 20, "t1c": 25}
    scanning = {"t2": ("SE",), "flair": ("SE", "IR")}
    series = [
        SourceSeries(
            f"series {n}",
            channel,
            channel,
            ("so made",),
            replace(
                MPRAGE,
                scanning=scanning.get(channel, MPRAGE.scanning),
                acquired=datetime(2020, 1, 1, 10, minutes[channel]),
                agent="Gd" if channel in ("t2", "t1c") else "",
                contrast_started=datetime(2020, 1, 1, 10, 12),
            ),
            FINE,
            contrast_given=channel in ("t2", "t1c"),
        )
        for n, channel in enumerate(("t1", "flair", "t2", "t1c"), 1)
    ]
    series += [
        SourceSeries("series 5", "dwi", facts=AcquisitionFacts(b_value=1000), spacing_mm=(2, 2, 3)),
        SourceSeries("series 6", "dsc", facts=BOLUS, times=150),
        SourceSeries("series 7", "t1c", facts=AcquisitionFacts(scanning=("SE",)), spacing_mm=FINE),
    ]
    return Study("s", {c: phantom(grid, c) for c in minutes}, series=tuple(series))


def status(report, item):
    return next(check.status for check in report.checks if check.id == item)


def with_facts(study, channel, **changes):
    series = [
        replace(one, facts=replace(one.facts, **changes)) if one.channel == channel else one
        for one in study.series
    ]
    return replace(study, series=tuple(series))


def unmet(report, level):
    readable = (item for item in report.checks if item.found != UNREADABLE)
    return [item.id for item in readable if item.level == level and item.status != "met"]


def test_a_study_by_the_protocol_meets_its_minimum_and_its_ideal(study):
    report = check(study)
    assert unmet(report, "minimum") == []
    assert unmet(report, "ideal") == ["t1-tse", "t1c-tse"]  # this one has the gradient echo
    codes = {finding.code for finding in acquisition_findings(report)}
    assert "protocol-deviation" not in codes
    assert "motion-suspected" not in codes


@pytest.mark.parametrize(
    ("channel", "changes", "item", "expected"),
    [
        ("t1c", {"acquisition": "2D"}, "t1c-3d", "not met"),
        ("t1c", {"acquisition": ""}, "t1c-3d", "unknown"),
        ("t1c", {"te_ms": 9}, "t1-matched", "not met"),
        ("t1c", {"slice_thickness_mm": 3.0}, "t1c-slices", "not met"),
        ("t1c", {"field_t": 1.5}, "field", "not met"),
        ("t1c", {"field_t": None}, "field", "unknown"),
        ("t2", {"acquired": datetime(2020, 1, 1, 10, 40)}, "t2-order", "not met"),
        ("t2", {"acquired": None}, "t2-order", "unknown"),
    ],
)
def test_each_departure_from_the_protocol_is_told(study, channel, changes, item, expected):
    assert status(check(with_facts(study, channel, **changes)), item) == expected


def test_a_turbo_spin_echo_in_3d_is_the_ideal(study):
    spin_echo = with_facts(study, "t1", scanning=("SE",))
    assert status(check(spin_echo), "t1-tse") == "met"
    assert status(check(with_facts(spin_echo, "t1", acquisition="2D")), "t1-tse") == "not met"
    assert status(check(with_facts(spin_echo, "t1", acquisition="")), "t1-tse") == "unknown"


@pytest.mark.parametrize(
    ("changes", "item", "expected"),
    [
        ({"te_ms": 45}, "dsc-te", "not met"),
        ({"te_ms": 45, "field_t": 1.494}, "dsc-te", "met"),
        ({"field_t": 7.0}, "dsc-te", "unknown"),
        ({"field_t": None}, "dsc-te", "unknown"),
        ({"te_ms": None}, "dsc-te", "unknown"),
        ({"flip_deg": 30}, "dsc-flip", "met"),
        ({"flip_deg": 90}, "dsc-flip", "not met"),
    ],
)
def test_the_bolus_series_is_judged_at_its_field_strength(study, changes, item, expected):
    series = [
        replace(one, facts=replace(BOLUS, **changes)) if one.kind == "dsc" else one
        for one in study.series
    ]
    assert status(check(replace(study, series=tuple(series))), item) == expected


def test_what_no_header_tells_is_listed_and_never_judged(study):
    told = {item.id: item for item in check(study).checks}
    for one in ("dwi-directions", "dsc-preload"):
        assert (told[one].status, told[one].found) == ("unknown", UNREADABLE)


def test_what_the_phenotype_lacks_is_listed(study):
    report = check(study)
    assert status(report, "pheno-blood-volume") == "met"  # the DSC series, though no map was given
    assert status(report, "pheno-permeability") == "not met"
    assert status(report, "pheno-pet") == "not met"


def test_minutes_after_contrast_come_from_the_clock(study):
    delays = {one.channel: one.header.minutes_after_contrast for one in check(study).sequences}
    assert delays["t1c"] == minutes_after_contrast(check(study)) == 13
    assert delays["t1"] is None


def test_without_clocks_no_minutes_are_known(phantom, grid_of):
    volume = phantom(grid_of((120, 150, 116), FINE), "flair")
    assert minutes_after_contrast(check(Study("s", {"flair": volume}))) is None


def test_a_noisy_image_is_warned_about(phantom, grid_of):
    volume = phantom(grid_of((120, 150, 116), FINE), "flair")
    noisy = volume.data + np.random.default_rng(0).normal(0, 60, volume.data.shape)
    report = check(Study("s", {"flair": Volume(np.abs(noisy).astype(np.float32), volume.grid)}))
    assert status(report, "model-noise") == "not met"
    assert "low-signal" in {finding.code for finding in acquisition_findings(report)}
    assert report.contrast == "no T1c"


def test_every_number_has_a_source_and_those_not_verified_say_so():
    protocol = default_protocol()
    consensus = [item for item in protocol.requirements if item.source != "ours"]
    assert all(item.verified is not None for item in consensus)
    assert all(item.verified is None for item in protocol.requirements if item.source == "ours")
    numbers = [i for i in consensus if i.rule in ("slices", "volumes", "at_most")]
    assert numbers
    assert not any(item.verified for item in numbers)
    assert len({item.id for item in protocol.requirements}) == len(protocol.requirements)


@pytest.mark.parametrize(
    "spoil",
    [
        lambda p: p["requirements"][0].update(source="hearsay"),
        lambda p: p["requirements"][0].update(rule="guess"),
        lambda p: p["requirements"][2].pop("limit"),
        lambda p: p["requirements"][0].update(colour="red"),
        lambda p: p["requirements"][0].update(rule="within", parameter="te_ms"),
    ],
)
def test_a_protocol_that_can_not_be_meant_so_is_refused(tmp_path, spoil):
    content = json.loads(default_protocol().model_dump_json())
    spoil(content)
    path = tmp_path / "ours.json"
    path.write_text(json.dumps(content))
    with pytest.raises(StudyError, match=r"ours\.json") as refusal:
        read_protocol(path)
    assert refusal.value.code == "config-invalid"


def test_the_command_prints_a_table_and_json_and_reads_a_site_s_protocol(tmp_path, write_study):
    folder = write_study(tmp_path / "p7")
    (folder / "t1c.json").write_text('{"MagneticFieldStrength": 3, "RepetitionTime": 1.9}')
    table = CliRunner().invoke(app, ["check", str(folder)], env={"COLUMNS": "200"})
    assert table.exit_code == 0, table.stderr
    assert "T1 after contrast: slices of 1.5 mm or less (unverified)" in table.stdout
    plain = default_protocol().model_dump()
    ours = {**plain, "name": "OURS", "requirements": plain["requirements"][:1]}
    (tmp_path / "ours.json").write_text(json.dumps(ours))
    arguments = ["check", str(folder), "--json", "--protocol", str(tmp_path / "ours.json")]
    report = AcquisitionReport.model_validate_json(CliRunner().invoke(app, arguments).stdout)
    assert report.protocol == "OURS"
    assert [item.id for item in report.checks] == ["model-t1c-or-flair"]
    [t1c] = [one for one in report.sequences if one.channel == "t1c"]
    assert (t1c.header.field_t, t1c.header.tr_ms) == (3, 1900)


def call(*arguments):
    return CliRunner().invoke(app, [str(word) for word in arguments])


def checked(*arguments):
    answer = call("check", *arguments, "--json")
    assert answer.exit_code == 0, answer.stderr
    return AcquisitionReport.model_validate_json(answer.stdout)


def test_a_study_that_can_t_be_analysed_is_checked_all_the_same(tmp_path, write_study):
    for folder in (
        write_study(tmp_path / "nifti", channels=["t2"]),
        save(classic_series(InversionTime=None, **SEQUENCES["t2"]), tmp_path / "dicom"),
    ):
        report = checked(folder)
        assert status(report, "model-t1c-or-flair") == "not met"
        assert status(report, "t2-present") == "met"
        assert [one.channel for one in report.quality] == ["t2"]


def test_sequences_are_named_to_the_check_as_to_an_analysis(tmp_path, write_study):
    folder = write_study(tmp_path / "p7", channels=["t1c", "flair"])
    strange = (folder / "t1c.nii.gz").rename(tmp_path / "image3.nii.gz")
    assert status(checked(folder), "t1c-present") == "not met"
    for report in (checked(folder, "--t1c", strange), checked("--t1c", strange)):
        assert status(report, "t1c-present") == "met"
    assert call("check").exit_code == 2


def test_an_analysis_is_held_against_a_site_s_protocol(tmp_path, small_study):
    plain = default_protocol().model_dump()
    wanted = [item for item in plain["requirements"] if item["id"] == "dwi-present"]
    (tmp_path / "ours.json").write_text(
        json.dumps({**plain, "name": "OURS", "requirements": wanted})
    )
    study = small_study(tmp_path / "p7")
    arguments = "--no-report", "--protocol", tmp_path / "ours.json", "--threads", 1
    answer = call("run", study, "-o", tmp_path / "out", *arguments)
    assert answer.exit_code == 0, answer.stderr
    result = Result.read(tmp_path / "out")
    assert result.acquisition.protocol == "OURS"
    assert [item.status for item in result.acquisition.checks] == ["not met"]
    assert "protocol-deviation" in {finding.code for finding in result.findings}
