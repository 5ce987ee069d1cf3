"""The report's table of biomarkers: what was measured, and in few words what was not."""

import pytest
from vasotype.outputs.report_biomarkers import (
    BiomarkerTable,
    biomarker_name,
    biomarker_note,
    biomarker_value,
)
from vasotype.result import BiomarkerRecord


def biomarker(name="x", value=1.0, unit="1", note=None, code="FE-01"):
    there = value is not None
    return BiomarkerRecord(
        id=code, name=name, value=value, unit=unit, available=there,
        quality="good" if there else "none", note=note,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("name", "value", "unit", "text"),
    [
        ("x", True, "", "yes"),
        ("x", False, "", "no"),
        ("x", "ring", "", "ring"),
        ("x", 0.12345, "1", "0.123"),
        ("x", 3.0, "mm", "3 mm"),
        ("x", None, "mm", "–"),
        ("low_enhancement_fraction", 0.486, "1", "49 %"),
    ],
)
def test_values_are_written_with_their_unit(name, value, unit, text):
    assert biomarker_value(biomarker(name, value, unit)) == text


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("rcbv_mean", "rCBV, mean"),
        ("rcbv_p95", "rCBV, 95th percentile"),
        ("ktrans_tumor_p50", "Ktrans, median"),
        ("ktrans_rim", "Ktrans in the rim"),
        ("ps_edema_p50", "PS in the edema, median"),
        ("vp", "vp"),
        ("border_width_iqr", "border width, interquartile range"),
        ("not_known_yet", "not known yet"),
    ],
)
def test_names_are_words(name, text):
    assert biomarker_name(biomarker(name)) == text


def test_blood_is_named_only_where_tissue_is_bright():
    note = "few voxels; blood or melanin; no T2*-weighted image confirms it"
    assert biomarker_note(biomarker("t1_bright_volume", 0.0, "mL", note, "FE-08")) == "few voxels"
    assert biomarker_note(biomarker("t1_bright_volume", 0.2, "mL", note, "FE-08")) == note


def test_what_was_not_measured_takes_one_line_a_reason():
    table = BiomarkerTable.of(
        [
            biomarker("sphericity"),
            biomarker("rcbv_mean", None, note="the map is missing"),
            biomarker("rcbv_p50", None, note="the map is missing"),
            biomarker("tbr_max", None, note="the map is missing"),
            biomarker("along_tracts", None, note="no atlas"),
        ]
    )
    assert [b.name for b in table.measured] == ["sphericity"]
    assert table.absent == {
        "the map is missing": "rCBV (2 values), TBR",
        "no atlas": "spread along white matter tracts",
    }
    assert table.absent_count == 4
