"""Clinical facts: what is known, what isn't, and nothing that tells who the patient is."""

import json
from datetime import date

import jsonschema
import pytest
from vasotype.clinical import (
    Clinical,
    Drug,
    Radiotherapy,
    clinical_schema,
    read_clinical,
    read_participants,
)
from vasotype.findings import StudyError

FULL = {
    "scan_date": "2024-05-31",
    "primary": "melanoma",
    "steroids": True,
    "radiotherapy": [
        {"technique": "stereotactic", "date": "2024-05-01", "lesions": [2]},
        {"technique": "whole_brain", "days_since": 400},
    ],
    "surgery": [],
    "anti_vegf": {"given": True, "date": "2024-05-21"},
    "ici": False,
}


def written(folder, content, name="clinical.json"):
    path = folder / name
    path.write_text(content if isinstance(content, str) else json.dumps(content), "utf-8")
    return path


def test_dates_become_days_and_do_not_stay(tmp_path):
    facts = read_clinical(written(tmp_path, FULL), "case")
    assert facts.radiotherapy[0].days_since == 30
    assert facts.anti_vegf == Drug(given=True, days_since_start=10)
    assert "2024" not in facts.model_dump_json()


def test_what_is_not_said_stays_unknown_and_none_is_not_unknown(tmp_path):
    facts = read_clinical(written(tmp_path, {"surgery": []}), "case")
    assert facts == Clinical(surgery=())
    assert facts.resected is False
    assert facts.steroids is None
    assert facts.radiotherapy is None
    assert facts.irradiated(1) is None


@pytest.mark.parametrize(
    ("courses", "lesion", "answer"),
    [
        ([], 1, False),
        ([Radiotherapy(technique="stereotactic", lesions=(2,))], 2, True),
        ([Radiotherapy(technique="stereotactic", lesions=(2,))], 1, False),
        ([Radiotherapy(technique="stereotactic")], 1, None),
        ([Radiotherapy(technique="whole_brain")], 7, True),
    ],
)
def test_a_lesion_was_irradiated_where_its_course_names_it_or_reaches_all(courses, lesion, answer):
    assert Clinical(radiotherapy=courses).irradiated(lesion) is answer


def test_a_table_says_the_same_as_json(tmp_path):
    table = (
        "primary\tsteroids\tscan_date\tradiotherapy\tradiotherapy_date\tradiotherapy_lesions"
        "\tsurgery\tanti_vegf\tanti_vegf_days\tici\n"
        "melanoma\tyes\t2024-05-31\tstereotactic\t2024-05-01\t2\tno\tyes\t10\tn/a\n"
    )
    facts = read_clinical(written(tmp_path, table, "clinical.tsv"), "case")
    assert facts.radiotherapy == (
        Radiotherapy(technique="stereotactic", days_since=30, lesions=(2,)),
    )
    assert facts.anti_vegf.days_since_start == 10
    assert (facts.primary, facts.steroids, facts.surgery, facts.ici) == ("melanoma", True, (), None)


@pytest.mark.parametrize(
    ("word", "tracer"), [("FET", "fet"), ("fdopa", "fdopa"), ("Unknown", None), (None, None)]
)
def test_the_pet_tracer_is_one_of_three_or_not_known(tmp_path, word, tracer):
    facts = read_clinical(written(tmp_path, {"pet_tracer": word}), "case")
    assert facts.pet_tracer == tracer
    table = written(tmp_path, f"primary\tpet_tracer\nlung\t{word or 'n/a'}\n", "clinical.tsv")
    assert read_clinical(table, "case").pet_tracer == tracer


def test_the_row_of_the_study_is_taken_and_other_columns_are_not(tmp_path):
    table = "participant_id\tage\tprimary\nsub-01\t60\tlung\nsub-02\t50\tbreast\n"
    path = written(tmp_path, table, "participants.tsv")
    assert read_clinical(path, "sub-02_ses-1") == Clinical(primary="breast")
    with pytest.raises(StudyError) as refusal:
        read_clinical(path, "sub-03")
    assert refusal.value.code == "clinical-no-row"


def test_participants_are_found_from_a_session_of_a_data_set_only(tmp_path):
    session = tmp_path / "sub-01" / "ses-1"
    session.mkdir(parents=True)
    written(tmp_path, "participant_id\tprimary\nsub-01\tlung\n", "participants.tsv")
    assert read_participants(session) == Clinical(primary="lung")
    assert read_participants(session.parent) == Clinical(primary="lung")
    assert read_participants(tmp_path) is None


@pytest.mark.parametrize(
    ("content", "place"),
    [
        ({"patient_name": "Doe"}, "patient_name"),
        ({"radiotherapy": [{"days_since": -3}]}, "days_since"),
        ({"anti_vegf": {"given": True, "date": "2024-01-01"}}, "scan_date"),
        ({"surgery": [{"date": "yesterday"}], "scan_date": "2024-01-01"}, "surgery"),
        ({"pet_tracer": "fdg"}, "pet_tracer"),
        ("[]", "object"),
        ("{", "JSON"),
    ],
)
def test_what_cannot_be_meant_is_refused_by_name(tmp_path, content, place):
    with pytest.raises(StudyError, match=place) as refusal:
        read_clinical(written(tmp_path, content), "case")
    assert refusal.value.code == "clinical-invalid"


def test_a_scan_date_from_elsewhere_will_do(tmp_path):
    path = written(tmp_path, {"surgery": [{"date": "2024-01-01"}]})
    assert read_clinical(path, "case", date(2024, 1, 11)).surgery[0].days_since == 10


def test_the_published_schema_accepts_what_is_read(tmp_path):
    facts = read_clinical(written(tmp_path, FULL), "case")
    jsonschema.validate(json.loads(facts.model_dump_json()), json.loads(clinical_schema()))
