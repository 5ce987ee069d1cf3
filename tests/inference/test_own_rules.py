"""A site's own rules go in by a file, and the report says so."""

import json
from dataclasses import replace

import pytest
import vasotype
from typer.testing import CliRunner
from vasotype.cli import app
from vasotype.outputs.report import render_report
from vasotype.outputs.report_words import thresholds
from vasotype.phenotype.rules import default_rules


def rules_file(folder, **changes):
    """The shipped rules with other values, in a file."""
    path = folder / "ours.json"
    path.write_text(json.dumps(json.loads(default_rules().model_dump_json()) | changes))
    return path


def leaning(analysis, rules_source):
    """The analysis as if its lesions leaned, by these rules."""
    [lesion] = analysis.result.lesions
    reading = {"abstained": False, "label": "angiogenic", "reason": None}
    phenotype = lesion.phenotype.model_copy(update=reading)
    changed = (lesion.model_copy(update={"phenotype": phenotype}),)
    update = {"lesions": changed, "rules_source": rules_source}
    return replace(analysis, result=analysis.result.model_copy(update=update))


def test_a_result_and_its_report_tell_of_rules_that_do_not_ship(small_study, tmp_path):
    rules = rules_file(tmp_path, source="our 40 patients")
    analyser = vasotype.load(device="cpu", threads=1, rules=rules)
    analysis = analyser.analyse(small_study(tmp_path / "case"))
    assert analysis.result.rules_source == "our 40 patients"
    said = "given for this analysis, not those that ship"
    assert said in render_report(analysis)
    page = render_report(leaning(analysis, "our 40 patients"))
    assert thresholds("our 40 patients") in page
    assert "(ours)" not in page
    usual = render_report(leaning(analysis, None))
    assert thresholds(None) in usual
    assert said not in usual


def test_a_rule_for_what_is_no_biomarker_is_told(small_study, tmp_path):
    """Those that ship name none, measured or not."""
    study = small_study(tmp_path / "case")

    def told(**changes):
        rules = rules_file(tmp_path, **changes)
        result = vasotype.load(device="cpu", threads=1, rules=rules).analyse(study).result
        return [f.message for f in result.findings if f.code == "rule-unused"]

    shipped = json.loads(default_rules().model_dump_json())["rules"]
    assert told() == []
    wrong = [{**shipped[0], "biomarker": "enhancment_mean"}, *shipped[1:]]
    message = "No biomarker is called enhancment_mean or tbr_highest."
    assert told(rules=wrong, viable_tumor={"tbr_highest": 2.1, "rcbv_mean": 2.1}) == [message]


@pytest.mark.parametrize("command", ["run", "batch", "follow"])
def test_a_file_that_holds_no_rules_is_refused_with_its_key(command, tmp_path):
    arguments = [command, str(tmp_path / "a"), "-o", str(tmp_path / "out")]
    if command == "follow":
        arguments.insert(2, str(tmp_path / "b"))
    if command == "batch":
        (tmp_path / "a" / "case").mkdir(parents=True)
        (tmp_path / "a" / "case" / "case-t1c.nii.gz").touch()
    rules = rules_file(tmp_path, least_balance=2)
    answer = CliRunner().invoke(app, [*arguments, "--rules", str(rules)])
    assert answer.exit_code == 2
    assert "ours.json: least_balance: " in answer.stderr
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"{", "Invalid JSON"),
        (b"\xff", "not UTF-8"),
        (b'{"rules": []}', "source: Field required"),
    ],
)
def test_a_file_of_another_kind_is_refused_by_name(content, said, tmp_path):
    path = tmp_path / "ours.json"
    path.write_bytes(content)
    answer = CliRunner().invoke(
        app, ["run", str(tmp_path), "-o", str(tmp_path / "o"), "--rules", str(path)]
    )
    assert answer.exit_code == 2
    assert f"ours.json: {said}" in answer.stderr
