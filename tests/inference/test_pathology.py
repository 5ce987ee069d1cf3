"""Pathology stands beside the prediction: read strictly, compared honestly, never mixed in."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner
from vasotype.cli import app
from vasotype.findings import StudyError
from vasotype.phenotype.agreement import agreement, wilson
from vasotype.phenotype.known import Known, compare_lesions
from vasotype.phenotype.pathology import read_pathology
from vasotype.result import PathologyRecord, Result

MODES = ("angiogenic", "intermediate", "co_option")


def result(labels, truths=(), name="patient"):
    lesions = [
        {
            "id": number,
            "centroid_ras_mm": [0, 0, 0],
            "volume_ml": {"enhancing": 1.0, "non_enhancing_core": 0.0, "edema": 1.0},
            "longest_diameter_mm": 12,
            "perpendicular_diameter_mm": 9,
            "longest_ends_ras_mm": [[0, 0, 0], [1, 0, 0]],
            "enhancement_pattern": "ring",
            "confidence": 0.9,
            "edema_shared": False,
            "phenotype": {
                "probabilities": {"angiogenic": 0.4, "intermediate": 0.3, "co_option": 0.3},
                "mimicry_suspicion": {"level": "no", "score": None},
                "label": label,
                "label_supported": False,
                "prediction_set": MODES,
                "abstained": label is None,
                "reason": None if label else "FLAIR is missing",
                "tier": "structural",
                "low_permeability_share": None,
            },
        }
        for number, label in enumerate(labels, start=1)
    ]
    return Result.model_validate(
        {
            "vasotype_version": "0",
            "study": name,
            "created": "2026-01-01T00:00:00+00:00",
            "model": {"name": "default", "version": "1", "sha256": "0" * 64},
            "provider": "CPUExecutionProvider",
            "reference": "t1c",
            "inputs": [],
            "missing": [],
            "findings": [],
            "labels": {},
            "habitat_channels": [],
            "total_volume_ml": {"enhancing": 1.0, "non_enhancing_core": 0.0, "edema": 1.0},
            "lesions": lesions,
            "pathology": [
                {"lesion": number, "mode": truth} for number, truth in enumerate(truths, start=1)
            ],
            "timings_s": {},
        }
    )


def table(tmp_path, text):
    path = tmp_path / "pathology.tsv"
    path.write_text(text, encoding="utf-8")
    return path


def test_a_table_is_read_as_it_was_reported(tmp_path):
    path = table(
        tmp_path,
        "lesion\tgrowth_pattern\tcd34\tmode\n1\tinfiltrative\t84/mm2\tn/a\n2\t\t\tco_option\n",
    )
    assert read_pathology(path) == (
        PathologyRecord(lesion=1, growth_pattern="infiltrative", cd34="84/mm2"),
        PathologyRecord(lesion=2, mode="co_option"),
    )


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("mode\nangiogenic\n", "column lesion"),
        ("lesion\tgrade\n1\t4\n", "unknown column 'grade'"),
        ("lesion\tmode\n1\tvessel\n", "line 2, mode"),
        ("lesion\tmode\none\tangiogenic\n", "line 2, lesion"),
        ("lesion\tmode\n1\tangiogenic\n1\tco_option\n", "lesion 1 twice"),
    ],
)
def test_a_table_that_can_not_be_right_is_refused(tmp_path, text, says):
    with pytest.raises(StudyError) as caught:
        read_pathology(table(tmp_path, text))
    assert caught.value.code == "pathology-table"
    assert says in str(caught.value)


def test_a_growth_pattern_never_becomes_a_mode():
    before = result(["angiogenic"])
    known = Known(pathology=(PathologyRecord(lesion=1, growth_pattern="infiltrative"),))
    after = compare_lesions(before, known)
    assert after.lesions == before.lesions
    assert agreement([after]) is None


def test_pathology_never_changes_the_prediction():
    before = result(["angiogenic", "co_option"])
    known = Known(pathology=(PathologyRecord(lesion=1, mode="co_option"),))
    after = compare_lesions(before, known)
    assert after.lesions == before.lesions
    assert after.pathology == known.pathology
    found = agreement([after])
    assert (found.n, found.agreeing) == (1, 0)
    assert found.table["co_option"]["angiogenic"] == 1


def test_pathology_of_a_lesion_that_is_not_there_is_refused():
    known = Known(pathology=(PathologyRecord(lesion=5, mode="co_option"),))
    with pytest.raises(StudyError, match="lesion 5"):
        compare_lesions(result(["angiogenic"]), known)


def test_abstained_lesions_are_counted_apart():
    found = agreement([result([None, "angiogenic"], ["angiogenic", "angiogenic"])])
    assert (found.n, found.agreeing, found.without_leaning) == (1, 1, 1)


def test_wilson_interval_of_a_published_example():
    low, high = wilson(81, 263)  # Newcombe 1998, table I: 0.2553 to 0.3662
    assert (low, high) == pytest.approx((0.2553, 0.3662), abs=5e-5)


def test_many_patients_are_resampled_as_patients():
    half = [result(["angiogenic"] * 4, ["angiogenic"] * 4) for _ in range(10)]
    half += [result(["angiogenic"] * 4, ["co_option"] * 4) for _ in range(10)]
    found = agreement(half)
    assert found.ci_method == "bootstrap over patients"
    assert found.share == 0.5
    low, high = found.ci95
    lesion_wise = wilson(40, 80)
    assert high - low > 1.5 * (lesion_wise[1] - lesion_wise[0])  # lesions of a patient go together


@settings(deadline=None, max_examples=40)
@given(st.lists(st.tuples(st.sampled_from(MODES), st.sampled_from([*MODES, None])), min_size=1))
def test_every_lesion_with_a_mode_is_counted_once(pairs):
    found = agreement([result([label for _, label in pairs], [truth for truth, _ in pairs])])
    counted = sum(sum(row.values()) for row in found.table.values())
    assert counted == found.n
    assert found.n + found.without_leaning == len(pairs)
    low, high = found.ci95
    assert 0 <= low <= high <= 1


def test_the_command_counts_over_a_cohort(tmp_path):
    for name, truth in (("a", "angiogenic"), ("b", "co_option"), ("c", None)):
        folder = tmp_path / name
        folder.mkdir()
        truths = [truth] if truth else []
        (folder / "result.json").write_text(result(["angiogenic"], truths).model_dump_json())
    answer = CliRunner().invoke(app, ["agreement", str(tmp_path), "--json"])
    assert answer.exit_code == 0
    found = json.loads(answer.stdout)
    assert (found["patients"], found["n"], found["agreeing"]) == (2, 2, 1)
    said = CliRunner().invoke(app, ["agreement", str(tmp_path)]).stdout
    assert "agree in 1 of 2 lesions (50 %" in " ".join(said.split())
