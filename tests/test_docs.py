"""What the documentation says can be done as it says."""

import importlib.util
import json
import re
import shlex
from pathlib import Path

import pytest
import typer
from vasotype.cli import app
from vasotype.findings import CATALOGUE
from vasotype.outputs.folder import OUR_FILES

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]


def blocks(page, language):
    """Code blocks of a language."""
    return re.findall(rf"^```{language}\n(.*?)^```", page.read_text("utf-8"), re.M | re.S)


def command_lines():
    """Every call of vasotype that a page shows."""
    for page in PAGES:
        for block in blocks(page, "bash"):
            for line in block.replace("\\\n", " ").splitlines():
                words = shlex.split(line, comments=True)
                if words[:1] == ["vasotype"]:
                    yield pytest.param(words[1:], id=" ".join(words))


@pytest.mark.parametrize("words", list(command_lines()))
def test_every_command_shown_exists_with_its_options(words):
    command = typer.main.get_command(app)
    if words[0].startswith("--"):  # an option of the program itself
        assert words[0] in {name for parameter in command.params for name in parameter.opts}
        words = words[1:]
    while hasattr(command, "commands"):
        command = command.commands[words[0]]
        words = words[1:]
    known = {name for parameter in command.params for name in parameter.opts}
    assert {word for word in words if re.match("-[a-z-]", word)} <= known


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_python_examples_compile(page):
    for block in blocks(page, "python"):
        compile(block, page.name, "exec")


def test_the_embedding_example_runs():
    [example] = blocks(ROOT / "docs" / "embed.md", "python")
    names = {}
    exec(example, names)
    assert names["labels"].shape == names["shape"]


def test_the_training_configuration_is_one(tmp_path, monkeypatch):
    pytest.importorskip("yaml")
    from vasotype_training.config import expand, read_config

    monkeypatch.setenv("MY_DATA", str(tmp_path))
    [example] = blocks(ROOT / "docs" / "train.md", "yaml")
    path = tmp_path / "mine.yaml"
    path.write_text(example)
    config = read_config(path)
    assert expand(config.data.anatomies[0]) == tmp_path / "anatomies"


def test_the_findings_page_lists_every_finding():
    place = ROOT / "scripts" / "docs_hooks.py"
    spec = importlib.util.spec_from_file_location("docs_hooks", place)
    hooks = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(hooks)
    page = hooks.on_page_markdown((ROOT / "docs" / "findings.md").read_text("utf-8"))
    assert "<!--" not in page
    assert sorted(re.findall(r"^\| `([\w-]+)` \|", page, re.M)) == sorted(CATALOGUE)


def test_the_guide_names_every_file_of_a_result():
    guide = (ROOT / "docs" / "run.md").read_text("utf-8")
    assert {name for name in OUR_FILES if f"`{name}`" in guide} == OUR_FILES


def test_files_that_the_readme_points_to_exist():
    targets = re.findall(r"\]\(([^)#]+)", (ROOT / "README.md").read_text("utf-8"))
    assert [target for target in targets if not (ROOT / target).exists()] == []


def test_the_dicom_page_publishes_every_code_of_our_scheme():
    scheme = json.loads(
        (ROOT / "inference/vasotype/outputs/dicom/99vasotype.json").read_text("utf-8")
    )
    page = (ROOT / "docs" / "dicom.md").read_text("utf-8")
    assert f"`{scheme['uid']}`" in page
    rows = re.findall(r"^\| `([A-Z-]+)` \| (.+?) \| (.*?) ?\| (.+?) \|$", page, re.M)
    assert rows == [
        (code, about["meaning"], about.get("unit", ""), about["definition"])
        for code, about in scheme["concepts"].items()
    ]
