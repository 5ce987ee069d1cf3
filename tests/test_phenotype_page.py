"""The page on the phenotype names every requirement, and where it is met really exists."""

import re
from pathlib import Path

import pytest
import typer
from vasotype.cli import app

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs" / "phenotype.md").read_text("utf-8")
COUNTS = {"FE": 16, "PH": 12, "WF": 12, "RE": 4, "HA": 4}
IDS = [f"{kind}-{n:02d}" for kind, count in COUNTS.items() for n in range(1, count + 1)]
ROWS = dict(re.findall(r"^\| ([A-Z]{2}-\d\d) \| (.+) \|$", PAGE, re.M))


def test_every_requirement_has_one_row():
    assert re.findall(r"^\| ([A-Z]{2}-\d\d) \|", PAGE, re.M) == IDS


@pytest.mark.parametrize("identifier", IDS)
def test_where_it_is_met_exists(identifier):
    where = ROWS[identifier].rsplit("|", 1)[-1]
    commands = typer.main.get_command(app).commands
    places = re.findall(r"`([^`]+)`", where)
    assert places or "this page" in where
    for place in places:
        verb = place.removeprefix("vasotype ")
        assert verb in commands if verb != place else (ROOT / place).is_file(), place
