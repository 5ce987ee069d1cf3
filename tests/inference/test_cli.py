"""What the commands say, where they say it, and with which exit code they end."""

import json
import subprocess
import sys
from pathlib import Path

import jsonschema
import pytest
import typer
import vasotype
from typer.testing import CliRunner
from vasotype.cli import app
from vasotype.findings import CATALOGUE, StudyError
from vasotype.outputs import OutputOptions
from vasotype.result import Result

PHENOTYPE = {
    "probabilities": {"angiogenic": 0.6, "intermediate": 0.3, "co_option": 0.1},
    "mimicry_suspicion": {"level": "no", "score": 0.2},
    "label": "angiogenic",
    "label_supported": False,
    "prediction_set": ["angiogenic", "intermediate"],
    "abstained": False,
    "reason": None,
    "tier": "structural",
    "low_permeability_share": None,
}
LESION = {
    "id": 1,
    "centroid_ras_mm": [10.0, -4.0, 22.0],
    "volume_ml": {"enhancing": 1.25, "non_enhancing_core": 0.1, "edema": 6.5},
    "longest_diameter_mm": 14.2,
    "perpendicular_diameter_mm": 11.0,
    "longest_ends_ras_mm": [[3.0, -4.0, 22.0], [17.0, -4.0, 22.0]],
    "enhancement_pattern": "ring",
    "confidence": 0.97,
    "edema_shared": False,
    "phenotype": PHENOTYPE,
}
RESULT = Result.model_validate(
    {
        "vasotype_version": vasotype.__version__,
        "study": "patient7",
        "created": "2026-01-01T00:00:00+00:00",
        "model": {"name": "default", "version": "1.0.0", "sha256": "0" * 64},
        "provider": "CPUExecutionProvider",
        "reference": "t1c",
        "inputs": [],
        "missing": ["t2"],
        "findings": [
            {
                "code": "thick-slices",
                "severity": "warning",
                "message": "slices of 5.0 mm",
                "remedy": "Scan thinner.",
            }
        ],
        "labels": {"enhancing": 3},
        "habitat_channels": ["angiogenic"],
        "total_volume_ml": LESION["volume_ml"],
        "lesions": [LESION],
        "timings_s": {"read": 0.1},
    }
)


class Analyser:
    """Answers with the same result, or fails, and remembers what it was given."""

    def __init__(self, failure=None):
        self.failure = failure
        self.calls = []

    def run(self, source, output, options, *, overrides, **_others):
        self.calls.append((source, output, options, overrides))
        if self.failure is not None:
            raise self.failure
        return RESULT


@pytest.fixture
def analyser(monkeypatch):
    """A stand-in for the loaded model."""
    analyser = Analyser()
    monkeypatch.setattr(vasotype, "load", lambda *args, **kwargs: analyser)
    return analyser


def call(*arguments):
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def commands(command=None, path=()):
    """Every command of the program with the words that reach it."""
    command = command or typer.main.get_command(app)
    if not hasattr(command, "commands"):
        return [path]
    return [
        found for name, sub in command.commands.items() for found in commands(sub, (*path, name))
    ]


@pytest.mark.parametrize("path", commands(), ids=" ".join)
def test_help_of_every_command_shows_an_example(path):
    answer = call(*path, "--help")
    assert answer.exit_code == 0
    assert "Example" in answer.stdout
    assert f"vasotype {' '.join(path)}" in answer.stdout.split("Example", 1)[1]


def test_version_is_the_packages():
    assert call("--version").stdout == f"vasotype {vasotype.__version__}\n"


def test_importing_the_command_line_loads_no_numerics():
    heavy = ("numpy", "scipy", "onnxruntime", "pydantic", "matplotlib", "torch")
    code = f"import sys, vasotype.cli; print([m for m in {heavy} if m in sys.modules])"
    answer = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert answer.stdout.strip() == "[]"


def test_run_tells_the_lesions_the_findings_and_where_the_report_lies(analyser):
    answer = call("run", "patient7", "-o", "out")
    assert answer.exit_code == 0
    assert "14.2" in answer.stdout
    assert "warning: slices of 5.0 mm" in answer.stdout
    assert f"report: {Path('out/report.html')}" in answer.stdout
    assert RESULT.research_use in answer.stdout


def test_run_prints_nothing_but_the_result_with_json(analyser):
    answer = call("run", "patient7", "-o", "out", "--json")
    assert Result.model_validate_json(answer.stdout) == RESULT


def test_sequence_flags_need_no_folder(analyser):
    call("run", "--t1c", "post.nii.gz", "--flair", "f.nii.gz", "-o", "out")
    [(source, _, _, overrides)] = analyser.calls
    assert source == {}
    assert overrides == {"t1c": Path("post.nii.gz"), "flair": Path("f.nii.gz")}


def test_sequence_flags_override_the_folder(analyser):
    call("run", "patient7", "--rcbv", "map.nii.gz", "-o", "out")
    [(source, _, _, overrides)] = analyser.calls
    assert source == Path("patient7")
    assert overrides == {"rcbv": Path("map.nii.gz")}


def test_output_flags_reach_the_writer(analyser):
    call("run", "patient7", "-o", "out", "--overwrite", "--probabilities", "--no-report")
    [(_, output, options, _)] = analyser.calls
    assert output == Path("out")
    assert options == OutputOptions(overwrite=True, probabilities=True, report=False)


def test_bad_input_ends_with_a_line_a_remedy_and_code_2(analyser):
    analyser.failure = StudyError("no-t1c-or-flair", "patient7: neither T1c nor FLAIR")
    answer = call("run", "patient7", "-o", "out")
    assert answer.exit_code == 2
    assert answer.stdout == ""
    remedy = CATALOGUE["no-t1c-or-flair"].remedy
    assert answer.stderr == f"error: patient7: neither T1c nor FLAIR\nremedy: {remedy}\n"


def test_bad_input_is_an_object_with_json(analyser):
    analyser.failure = StudyError("no-t1c-or-flair", "patient7: neither T1c nor FLAIR")
    answer = call("run", "patient7", "-o", "out", "--json")
    assert json.loads(answer.stdout)["error"]["code"] == "no-t1c-or-flair"


def test_neither_study_nor_sequence_is_refused():
    answer = call("run", "-o", "out")
    assert answer.exit_code == 2
    assert CATALOGUE["no-input"].remedy in answer.stderr


def test_a_full_disk_is_no_bug(analyser):
    analyser.failure = OSError(28, "No space left on device", "out/segmentation.nii.gz")
    answer = call("run", "patient7", "-o", "out")
    assert answer.exit_code == 2
    assert "error: out/segmentation.nii.gz: No space left on device" in answer.stderr


def test_a_bug_says_how_to_report_it_and_shows_no_traceback(analyser):
    analyser.failure = RuntimeError("axis 4")
    answer = call("run", "patient7", "-o", "out")
    assert answer.exit_code == 1
    assert "unexpected RuntimeError: axis 4" in answer.stderr
    assert "vasotype --debug" in answer.stderr
    assert "Traceback" not in answer.output


def test_debug_shows_the_traceback_of_a_bug(analyser):
    analyser.failure = RuntimeError("axis 4")
    answer = call("--debug", "run", "patient7", "-o", "out")
    assert answer.exit_code == 1
    assert "Traceback" in answer.stderr


def test_published_schema_accepts_a_result():
    schema = json.loads(call("schema").stdout)
    jsonschema.validate(RESULT.model_dump(mode="json"), schema)
