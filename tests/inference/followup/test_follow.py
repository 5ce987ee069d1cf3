"""Visits are laid over the baseline, compared, and written at once or not at all."""

import csv
import json
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import jsonschema
import numpy as np
import pytest
from typer.testing import CliRunner
from vasotype.cli import app
from vasotype.clinical import Clinical
from vasotype.findings import StudyError
from vasotype.followup import run as verb
from vasotype.followup.follow import compare_visits
from vasotype.followup.limits import read_limits
from vasotype.followup.match import Track
from vasotype.followup.observe import Context
from vasotype.followup.record import FollowUp, follow_schema
from vasotype.followup.run import FollowOptions, follow
from vasotype.followup.vanished import edema_left_ml
from vasotype.followup.visit import slices_of
from vasotype.perfusion import DceSettings
from vasotype.stages import Grid
from vasotype.study import read_study
from vasotype.study.extras import Extras

pytestmark = pytest.mark.usefixtures("lying_still")

LEFT, RIGHT = (22, 42, 32), (50, 42, 32)


def context(count, clinical=None):
    return Context((0, *(None,) * (count - 1)), (clinical,) * count, read_limits())


def test_the_sum_of_diameters_and_new_lesions_give_the_size_component(visit_of, lesion_of):
    baseline = visit_of([lesion_of(1, LEFT, 8.0)])
    later = visit_of([lesion_of(1, LEFT, 5.0), lesion_of(2, RIGHT, 4.0)])
    record = compare_visits([baseline, later], context(2)).record
    [size] = record.cns_size_component
    assert record.targets == (1,)
    assert (size.targets, size.with_new_lesions) == ("PR", "PD")
    assert size.change_from_baseline == pytest.approx(-0.375)
    assert size.new_tracks == (2,)
    assert record.extracranial == "not assessed"


def test_under_immunotherapy_a_new_lesion_alone_is_no_progress(visit_of, lesion_of):
    visits = [
        visit_of([lesion_of(1, LEFT, 8.0)]),
        visit_of([lesion_of(1, LEFT, 8.0), lesion_of(2, RIGHT, 4.0)]),
    ]
    facts = Clinical.model_validate({"ici": {"given": True}})
    [size] = compare_visits(visits, context(2, facts)).record.cns_size_component
    assert size.with_new_lesions == "SD"


def test_other_sequences_and_slices_are_findings(visit_of, lesion_of):
    baseline = visit_of([lesion_of(1)])
    later = visit_of([lesion_of(1)], channels=("t1c",), spacing=4.0)
    record = compare_visits([baseline, later], context(2)).record
    assert {finding.code for finding in record.findings} == {
        "timepoints-sequences",
        "timepoints-slices",
    }


UNLIKE = {
    "field strength": {"field_t": 1.5},
    "repetition time": {"tr_ms": 1400.0},
    "echo time": {"te_ms": 4.5},
    "inversion time": {"ti_ms": 700.0},
    "flip angle": {"flip_deg": 20.0},
    "time after contrast": {"minutes_after_contrast": 9.0},
}
USUAL = {
    "field_t": 3.0,
    "tr_ms": 2000.0,
    "te_ms": 3.0,
    "ti_ms": 900.0,
    "flip_deg": 9.0,
    "minutes_after_contrast": 5.0,
}


def messages(visits):
    return [finding.message for finding in compare_visits(visits, context(2)).record.findings]


@pytest.mark.parametrize("name", UNLIKE)
def test_another_setting_of_the_scanner_is_a_finding(visit_of, lesion_of, acquired, name):
    baseline = visit_of([lesion_of(1)], acquisition=acquired(**USUAL))
    later = visit_of([lesion_of(1)], acquisition=acquired(**USUAL | UNLIKE[name]))
    [message] = messages([baseline, later])
    assert f"t1c {name}" in message


def test_settings_that_are_alike_or_not_known_are_no_finding(visit_of, lesion_of, acquired):
    near = {"field_t": 2.89, "te_ms": 3.2, "minutes_after_contrast": 6.0}
    known = visit_of([lesion_of(1)], acquisition=acquired(**USUAL))
    for other in (acquired(**USUAL | near), acquired(), None):
        assert messages([known, visit_of([lesion_of(1)], acquisition=other)]) == []


def test_another_echo_time_of_the_bolus_is_a_finding(visit_of, lesion_of, dsc_of):
    baseline = visit_of([lesion_of(1)], perfusion=dsc_of())
    later = visit_of([lesion_of(1)], perfusion=dsc_of(echo_time_s=0.045))
    [message] = messages([baseline, later])
    assert "dsc echo time 0.045 s, before 0.03 s" in message


@pytest.mark.parametrize(("spacing", "targets"), [(1.0, (1,)), (5.0, (1,)), (6.0, ())])
def test_slices_decide_what_is_a_target(visit_of, lesion_of, spacing, targets):
    visits = [visit_of([lesion_of(1, radius=7.0)], spacing=spacing) for _ in range(2)]
    assert compare_visits(visits, context(2)).record.targets == targets


def test_a_lesion_on_one_slice_is_no_target(visit_of, lesion_of):
    flat = replace(visit_of([lesion_of(1)]), slices={1: 1})
    assert compare_visits([flat, flat], context(2)).record.targets == ()


def test_slices_are_counted_along_the_longest_voxel_edge():
    instances = np.zeros((20, 20, 6), np.uint16)
    instances[2:12, 3:9, 2], instances[14:18, 12:18, 3:6] = 1, 3
    assert slices_of(instances, Grid((20, 20, 6), np.diag([1.0, 1.0, 5.0, 1.0]))) == {1: 1, 3: 3}


ANTI_VEGF = Clinical.model_validate({"anti_vegf": {"given": True}, "steroids": False})
UNTREATED = Clinical.model_validate({"anti_vegf": False, "steroids": False})


def gone(visit_of, lesion_of, facts, edema_at=None):
    visits = [visit_of([lesion_of(1, LEFT, 8.0)]), visit_of([], edema_at=edema_at)]
    return compare_visits(visits, context(2, facts)).record


def test_a_lesion_that_stops_enhancing_under_anti_vegf_is_a_size_with_a_caution(
    visit_of, lesion_of
):
    record = gone(visit_of, lesion_of, ANTI_VEGF, edema_at=LEFT)
    [size], [track] = record.cns_size_component, record.tracks
    assert (size.targets, track.events) == ("CR", ("vanished",))
    assert "not counted as tumor control" in size.caution
    [change] = track.changes
    [remark] = change.remarks
    assert remark.code == "not-found-under-treatment"
    assert "mL of edema remain at its place" in remark.message


def test_edema_elsewhere_is_not_what_remains_of_it(visit_of, lesion_of):
    [track] = gone(visit_of, lesion_of, ANTI_VEGF, edema_at=RIGHT).tracks
    assert "No edema is outlined at its place" in track.changes[0].remarks[0].message


def test_a_lesion_that_vanishes_untreated_needs_no_caution(visit_of, lesion_of):
    record = gone(visit_of, lesion_of, UNTREATED)
    assert record.cns_size_component[0].caution is None
    assert record.tracks[0].changes == ()


def test_edema_left_is_looked_for_where_the_lesion_was_seen_last(visit_of, lesion_of):
    visits = [visit_of([lesion_of(1, LEFT)]), visit_of([], edema_at=LEFT), visit_of([])]
    left = edema_left_ml(Track(((1,), (), ())), visits)
    assert left[0] is None
    assert left[1] == pytest.approx(4 / 3 * np.pi * 6**3 / 1000, rel=0.1)
    assert left[2] == 0.0
    assert edema_left_ml(Track(((), (), (1,))), [visits[2], visits[1], visits[0]]) == (None,) * 3


def test_growth_after_radiotherapy_withholds_the_leaning_at_that_visit_alone(visit_of, lesion_of):
    facts = Clinical.model_validate({"radiotherapy": [{"technique": "whole_brain"}]})
    labels = ("angiogenic", "co_option", "co_option")
    visits = [
        visit_of([lesion_of(1, LEFT, radius, label=label)])
        for radius, label in zip((6.0, 8.0, 5.8), labels, strict=True)
    ]
    [track] = compare_visits(visits, context(3, facts)).record.tracks
    before, grown, after = track.observations
    assert (before.label, after.label) == ("angiogenic", "co_option")
    assert (grown.label, grown.probabilities) == (None, None)
    assert "recurrence or radiation necrosis" in grown.label_withheld
    told = {(c.since, c.timepoint): c.transition for c in track.changes}
    assert told[0, 1].after is None
    assert told[0, 2].after == "co_option"
    assert told[1, 2] is None


def test_one_doubt_withholds_a_leaning_from_every_comparison(visit_of, lesion_of):
    """It grew since the visit before, though not since the baseline."""
    facts = Clinical.model_validate({"radiotherapy": [{"technique": "whole_brain"}]})
    visits = [visit_of([lesion_of(1, LEFT, radius)]) for radius in (8.0, 5.0, 8.0)]
    [track] = compare_visits(visits, context(3, facts)).record.tracks
    last = [change.transition for change in track.changes if change.timepoint == 2]
    assert [transition.after for transition in last] == [None, None]
    assert track.observations[2].label is None


def test_without_lesions_nothing_is_said_to_have_changed(visit_of):
    record = compare_visits([visit_of([]), visit_of([])], context(2)).record
    assert record.tracks == ()
    assert record.cns_size_component[0].targets == "not assessable"


@pytest.fixture
def chain(monkeypatch, visit_of, lesion_of):
    """The verb with a chain that finds one lesion, larger at every visit, in any folder."""
    sizes = iter((6.0, 8.0, 9.0))

    def analyse(study):
        return visit_of([lesion_of(1, radius=next(sizes))], name=study.name)

    def write_outputs(analysis, folder, options):
        folder.mkdir()

    study = SimpleNamespace
    monkeypatch.setattr(
        verb, "read_study", lambda path, extras: study(name=path.name, clinical=None)
    )
    monkeypatch.setattr(verb, "write_outputs", write_outputs)
    monkeypatch.setattr(verb.Visit, "of", staticmethod(lambda analysis: analysis))
    return SimpleNamespace(analyse=analyse)


def test_everything_is_written_at_once(chain, tmp_path):
    studies = [tmp_path / "january", tmp_path / "april"]
    record = follow(chain, studies, tmp_path / "out", FollowOptions(days=(90,)))
    assert {path.name for path in (tmp_path / "out").iterdir()} == {
        "follow.json",
        "trajectories.tsv",
        "follow.html",
        "timepoint-0",
        "timepoint-1",
    }
    text = (tmp_path / "out" / "follow.json").read_text()
    jsonschema.validate(json.loads(text), json.loads(follow_schema()))
    assert FollowUp.read(tmp_path / "out") == record
    rows = list(csv.DictReader((tmp_path / "out" / "trajectories.tsv").open(), delimiter="\t"))
    assert [(row["timepoint"], row["days"], row["event"]) for row in rows] == [
        ("0", "0", "n/a"),
        ("1", "90", "matched"),
    ]
    assert float(rows[1]["core_ml"]) > float(rows[0]["core_ml"])


def test_dates_of_treatment_count_from_the_scan_as_in_a_run(
    chain, monkeypatch, small_study, tmp_path
):
    monkeypatch.setattr(verb, "read_study", read_study)
    facts = tmp_path / "patient.json"
    facts.write_text(json.dumps({"radiotherapy": [{"date": "2024-01-01"}]}))
    studies = []
    for day in ("2024-01-11", "2024-03-01"):
        studies.append(small_study(tmp_path / day))
        sidecar = {"AcquisitionDateTime": f"{day}T10:00:00"}
        (studies[-1] / "case-t1c.json").write_text(json.dumps(sidecar))
    read = []

    def analyse(study, analyse=chain.analyse):
        read.append(study.clinical.radiotherapy[0].days_since)
        return analyse(study)

    chain.analyse = analyse
    follow(chain, studies, tmp_path / "out", FollowOptions(clinical=(facts, facts)))
    assert read == [10, 60]


def test_each_visit_gets_its_own_map_and_all_the_same_scale(chain, monkeypatch, tmp_path):
    read = []

    def read_study(path, extras):
        read.append(extras)
        return SimpleNamespace(name=path.name, clinical=None)

    monkeypatch.setattr(verb, "read_study", read_study)
    monkeypatch.setattr("vasotype.load", lambda *_, **__: chain)
    studies = [str(tmp_path / "a"), str(tmp_path / "b")]
    maps = ["--b1", "a.nii.gz", "--b1", "b.nii.gz"]
    arguments = ["follow", *studies, "-o", str(tmp_path / "out"), *maps, "--dose", "0.05"]
    assert CliRunner().invoke(app, arguments).exit_code == 0
    scale = DceSettings(dose_mmol_per_kg=0.05)
    assert read == [Extras(b1=Path(f"{name}.nii.gz"), dce_settings=scale) for name in "ab"]


def test_a_visit_that_can_not_be_analysed_leaves_nothing(chain, tmp_path):
    def fail(study):
        raise StudyError("no-t1c-or-flair", "nothing to read")

    chain.analyse = fail
    with pytest.raises(StudyError):
        follow(chain, [tmp_path / "a", tmp_path / "b"], tmp_path / "out", FollowOptions())
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("studies", "options"),
    [
        (["a"], FollowOptions()),
        (["a", "a"], FollowOptions()),
        (["a", "b", "c"], FollowOptions(days=(30,))),
        (["a", "b", "c"], FollowOptions(days=(60, 30))),
        (["a", "b"], FollowOptions(b1=(Path("b1.nii.gz"),))),
    ],
    ids=["one", "twice", "too-few-days", "days-go-back", "too-few-maps"],
)
def test_options_that_do_not_go_together_are_refused(chain, tmp_path, studies, options):
    with pytest.raises(StudyError) as caught:
        follow(chain, [tmp_path / name for name in studies], tmp_path / "out", options)
    assert caught.value.code == "timepoints-options"


def test_what_is_there_is_never_lost(chain, tmp_path):
    out = tmp_path / "out"
    out.mkdir()
    (out / "notes.txt").write_text("mine")
    studies = [tmp_path / "a", tmp_path / "b"]
    for overwrite, code in ((False, "output-exists"), (True, "output-foreign")):
        with pytest.raises(StudyError) as caught:
            follow(chain, studies, out, FollowOptions(overwrite=overwrite))
        assert caught.value.code == code
    assert (out / "notes.txt").read_text() == "mine"
