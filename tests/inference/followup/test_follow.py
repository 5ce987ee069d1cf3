"""Visits are laid over the baseline, compared, and written at once or not at all."""

import csv
import json
from types import SimpleNamespace

import jsonschema
import pytest
from vasotype.clinical import Clinical
from vasotype.findings import StudyError
from vasotype.followup import run as verb
from vasotype.followup.follow import compare_visits
from vasotype.followup.limits import read_limits
from vasotype.followup.observe import Context
from vasotype.followup.record import FollowUp, follow_schema
from vasotype.followup.run import FollowOptions, follow

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
    monkeypatch.setattr(verb, "read_study", lambda path: study(name=path.name, clinical=None))
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
    ],
    ids=["one", "twice", "too-few-days", "days-go-back"],
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
