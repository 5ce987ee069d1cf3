"""The catalogue of findings: complete, and nothing in it that the package never says."""

import re
from pathlib import Path

import pytest
from vasotype.findings import CATALOGUE, Finding, Severity, StudyError, read_catalogue

ROOT = Path(__file__).parents[2]
QUOTED = re.compile(r'"([a-z0-9]+(?:-[a-z0-9]+)+)"')
RAISED = re.compile(r'(StudyError|Finding)\(\s*"([a-z0-9-]+)"')


def sources():
    packages = ("inference/vasotype", "training/vasotype_training")
    return [path.read_text("utf-8") for p in packages for path in (ROOT / p).rglob("*.py")]


def test_every_code_that_the_package_uses_is_in_the_catalogue():
    used = {code for text in sources() for _, code in RAISED.findall(text)}
    assert len(used) > 50
    assert used - set(CATALOGUE) == set()


def test_the_package_can_say_everything_that_is_in_the_catalogue():
    quoted = {code for text in sources() for code in QUOTED.findall(text)}
    assert set(CATALOGUE) - quoted == set()


def test_study_errors_are_refusals_and_findings_are_none():
    for text in sources():
        for kind, code in RAISED.findall(text):
            refusal = CATALOGUE[code].severity is Severity.REFUSE
            assert refusal == (kind == "StudyError"), f"{kind}({code})"


@pytest.mark.parametrize("code", CATALOGUE)
def test_an_entry_is_complete_sentences(code):
    kind = CATALOGUE[code]
    for text in (kind.meaning, kind.remedy):
        assert text[0].isupper() or text.startswith("vasotype "), text
        assert text.endswith("."), text


def test_a_finding_knows_its_severity_and_remedy_and_an_error_its_code():
    finding = Finding("no-lesion", "none")
    assert finding.severity is Severity.NOTE
    assert finding.remedy == CATALOGUE["no-lesion"].remedy
    assert StudyError("not-mr", "no").code == "not-mr"


def test_a_code_that_stands_in_two_files_is_an_error(tmp_path, monkeypatch):
    entry = '[twice]\nseverity = "note"\nmeaning = "M."\nremedy = "R."\n'
    (tmp_path / "catalogue").mkdir()
    for name in ("a", "b"):
        (tmp_path / "catalogue" / f"{name}.toml").write_text(entry)
    monkeypatch.setattr("vasotype.findings.files", lambda _: tmp_path)
    with pytest.raises(ValueError, match=r"b\.toml: twice"):
        read_catalogue()
