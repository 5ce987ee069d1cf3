"""Dynamic series of a DICOM study become series with times, echo and flip angle."""

from dataclasses import dataclass
from datetime import datetime

import numpy as np
import pytest
from vasotype.findings import StudyError
from vasotype.stages import Grid
from vasotype.study.dicom.facts import Facts
from vasotype.study.extras import Extras
from vasotype.study.identify.engine import Identified
from vasotype.study.identify.perfusion import dynamic_series, read_dicom_perfusion
from vasotype.study.identify.rules import Kind

EPI = Facts(te_ms=30.0, tr_ms=1500.0, flip_deg=60.0, scanning=("EP", "GR"))
GRID = Grid((4, 4, 4), np.eye(4))
SPOILED = Facts(te_ms=2.0, tr_ms=5.0, flip_deg=20.0, scanning=("GR",), field_t=1.5)


@dataclass(frozen=True)
class Layout:
    times: int


@dataclass(frozen=True, eq=False)
class Stack:
    """What a DICOM series offers to be read as a dynamic one."""

    number: int
    facts: Facts
    volumes: int = 20
    moments: tuple[float, ...] = ()
    problem: StudyError | None = None
    grid: Grid = GRID
    uid: str = "1.2"

    @property
    def name(self):
        return f"series {self.number}"

    @property
    def frames(self):
        return ((),) * self.volumes

    @property
    def layout(self):
        return Layout(self.volumes)

    def times_s(self):
        return self.moments

    def read_all(self):
        return np.full((4, 4, 4, self.volumes), self.number, np.float32)


def found(stack, kind):
    return Identified(stack, kind, {}, ())


def test_times_are_those_of_the_header_and_echo_and_angle_in_our_units():
    moments = tuple(2.0 * n for n in range(20))
    series = dynamic_series(Stack(7, EPI, moments=moments))
    assert tuple(series.times_s) == moments
    assert (series.echo_time_s, series.flip_angle_deg, series.name) == (0.03, 60.0, "series 7")


def test_echo_planar_volumes_without_times_come_one_a_repetition():
    assert dynamic_series(Stack(7, EPI)).times_s[1] == pytest.approx(1.5)
    still = Stack(7, EPI, moments=(0.0,) * 20)  # all volumes bear the series' own time
    assert dynamic_series(still).times_s[-1] == pytest.approx(19 * 1.5)


def test_a_gradient_echo_series_without_times_cannot_be_analysed():
    with pytest.raises(StudyError) as refusal:
        dynamic_series(Stack(8, SPOILED))
    assert refusal.value.code == "series-times"
    perfusion, used, findings = read_dicom_perfusion([found(Stack(8, SPOILED), Kind.DCE)], Extras())
    assert (perfusion, used) == (None, set())
    assert [finding.code for finding in findings] == ["series-left-out"]


def test_the_series_with_most_volumes_is_taken_with_its_flip_angles():
    moments = tuple(5.0 * n for n in range(20))
    long, short = Stack(1, EPI, 40), Stack(2, EPI, 20)
    dce = Stack(3, SPOILED, moments=moments)
    angles = [
        Stack(4 + n, Facts(tr_ms=5.0, flip_deg=angle), 1) for n, angle in enumerate((2.0, 12.0))
    ]
    kinds = [(short, Kind.DSC), (long, Kind.DSC), (dce, Kind.DCE), *((a, Kind.VFA) for a in angles)]
    perfusion, used, findings = read_dicom_perfusion([found(*pair) for pair in kinds], Extras())
    assert perfusion.dsc.name == "series 1"
    assert perfusion.dce.field_t == 1.5
    assert list(perfusion.flip_angles.flip_angles_deg) == [2.0, 12.0]
    assert used == {long, dce, *angles}
    assert not findings


def test_a_series_named_by_number_wins(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    from pathlib import Path

    kinds = [found(Stack(1, EPI, 40), Kind.DSC), found(Stack(2, EPI, 20), Kind.OTHER)]
    perfusion, *_ = read_dicom_perfusion(kinds, Extras(dsc=Path("2")))
    assert perfusion.dsc.name == "series 2"


def test_the_year_of_a_time_without_a_date_is_no_scan_date(small_study, tmp_path):
    from dataclasses import replace

    from vasotype.stages import SourceSeries
    from vasotype.study import read_study
    from vasotype.study.read import _scanned

    study = read_study(small_study(tmp_path / "case", channels=("t1c", "t2f")))

    def scanned(moment):
        facts = Facts(acquired=moment)
        return _scanned(replace(study, series=(SourceSeries("a", "t1", facts=facts),)))

    assert scanned(datetime(1900, 1, 1, 10)) is None
    assert scanned(datetime(2024, 5, 31, 10)).isoformat() == "2024-05-31"
