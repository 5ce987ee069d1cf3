"""What a series is, by its header alone: one line a usual protocol of a vendor."""

import json
from dataclasses import replace
from importlib import resources

import numpy as np
import pytest
from vasotype.findings import StudyError
from vasotype.stages import Grid
from vasotype.study.dicom import Facts, Layout, Series
from vasotype.study.identify import identify_series, parse_rules
from vasotype.study.identify.rules import plain_words

GR, SE, EP, IR = "GR", "SE", "EP", "IR"


def series_of(number=1, slices=30, times=1, directions=1, step_mm=3.0, **facts):
    """A series that has a header and no pixels."""
    facts = {"modality": "MR", **facts}
    layout = Layout(slices, times, directions, step_mm)
    return Series(number, str(number), Facts(**facts), layout, ((),), None, None)


def silent(series):
    raise StudyError("unreadable-image", "no pixels")


def kinds(*series):
    return [str(one.kind) for one in identify_series(series, silent)]


PROTOCOLS = {
    "Siemens MPRAGE": ("t1", {"scanning": (GR, IR), "tr_ms": 1900, "te_ms": 3, "ti_ms": 900}),
    "GE BRAVO": ("t1", {"scanning": (GR,), "tr_ms": 8.2, "te_ms": 3.2, "ti_ms": 450}),
    "Philips TFE": ("t1", {"scanning": (GR,), "tr_ms": 8.1, "te_ms": 3.7, "flip_deg": 8}),
    "SE T1": ("t1", {"scanning": (SE,), "tr_ms": 550, "te_ms": 10}),
    "3-D TSE T1": ("t1", {"scanning": (SE,), "tr_ms": 700, "te_ms": 20, "acquisition": "3D"}),
    "FLASH 2-D": ("t1", {"scanning": (GR,), "tr_ms": 250, "te_ms": 3, "flip_deg": 70}),
    "GE T1 FLAIR": (
        "t1",
        {
            "scanning": (SE, IR),
            "tr_ms": 2500,
            "te_ms": 25,
            "ti_ms": 900,
            "description": "Ax T1 FLAIR",
        },
    ),
    "TSE T2": ("t2", {"scanning": (SE,), "tr_ms": 4700, "te_ms": 95}),
    "SPACE T2": ("t2", {"scanning": (SE,), "tr_ms": 3200, "te_ms": 410, "acquisition": "3D"}),
    "Philips T2, RM": ("t2", {"scanning": ("RM",), "tr_ms": 3000, "te_ms": 80}),
    "FLAIR 2-D": ("flair", {"scanning": (SE, IR), "tr_ms": 9000, "te_ms": 90, "ti_ms": 2500}),
    "FLAIR 3-D": ("flair", {"scanning": (SE, IR), "tr_ms": 5000, "te_ms": 390, "ti_ms": 1800}),
    "FLAIR without TI": (
        "flair",
        {"scanning": (SE, IR), "tr_ms": 8000, "te_ms": 120, "description": "Dark Fluid"},
    ),
    "proton density": ("other", {"scanning": (SE,), "tr_ms": 3000, "te_ms": 15}),
    "STIR": ("other", {"scanning": (SE, IR), "tr_ms": 4000, "te_ms": 60, "ti_ms": 160}),
    "angiogram": (
        "other",
        {"scanning": (GR,), "tr_ms": 22, "te_ms": 3.6, "flip_deg": 18, "description": "TOF_3D"},
    ),
    "SWI": ("swi", {"scanning": (GR,), "tr_ms": 28, "te_ms": 20, "flip_deg": 15}),
    "T2*": ("swi", {"scanning": (GR,), "tr_ms": 620, "te_ms": 20, "description": "T2* ax"}),
    "phase of SWI": (
        "other",
        {"scanning": (GR,), "tr_ms": 28, "te_ms": 20, "image_type": ("P", "ND")},
    ),
    "DWI": ("dwi", {"scanning": (EP, SE), "tr_ms": 5000, "te_ms": 90, "b_value": 1000.0}),
    "DWI by Siemens' name": (
        "dwi",
        {"scanning": (EP,), "tr_ms": 5000, "te_ms": 90, "sequence_name": "*ep_b1000t"},
    ),
    "ADC": (
        "map",
        {"scanning": (EP,), "tr_ms": 5000, "te_ms": 90, "image_type": ("DIFFUSION", "ADC")},
    ),
    "rCBV": ("map", {"scanning": (EP,), "te_ms": 30, "tr_ms": 1500, "description": "rCBV map"}),
    "fMRI": (
        "other",
        {"scanning": (EP, GR), "tr_ms": 2000, "te_ms": 30, "times": 200, "image_type": ("FMRI",)},
    ),
    "ASL": ("other", {"scanning": (EP,), "tr_ms": 4200, "te_ms": 12, "description": "3D pCASL"}),
    "DCE": ("dce", {"scanning": (GR,), "tr_ms": 5, "te_ms": 2, "flip_deg": 15, "times": 40}),
    "localizer": (
        "localizer",
        {
            "scanning": (GR,),
            "tr_ms": 8,
            "te_ms": 4,
            "flip_deg": 20,
            "slices": 3,
            "directions": 3,
            "description": "AAHead_Scout",
        },
    ),
    "localizer without a name": ("localizer", {"slices": 5, "directions": 3, "step_mm": 20.0}),
    "knee": ("other", {"scanning": (SE,), "tr_ms": 550, "te_ms": 10, "body_part": "KNEE"}),
    "screenshot": ("other", {"samples": 3, "description": "T1 WM AX"}),
    "maximum projection": (
        "other",
        {"scanning": (GR,), "tr_ms": 22, "te_ms": 4, "image_type": ("PROJECTION IMAGE", "MIP")},
    ),
    "PET": ("other", {"modality": "PT"}),
    "name alone": ("flair", {"description": "AX FLAIR"}),
    "name alone, T2": ("t2", {"description": "t2 axial"}),
    "name alone, T1": ("t1", {"description": "Sag T1 MPRAGE"}),
    "nothing": ("unknown", {}),
}


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_a_usual_protocol_is_known_by_its_physics(protocol):
    expected, facts = PROTOCOLS[protocol]
    assert kinds(series_of(**facts)) == [expected]


def test_derived_is_no_reason_to_drop_a_series():
    series = series_of(scanning=(SE,), tr_ms=4700, te_ms=95, image_type=("OTHER",))
    assert kinds(series) == ["t2"]


def test_a_wrong_name_does_not_overrule_physics():
    series = series_of(scanning=(SE, IR), tr_ms=9000, te_ms=90, ti_ms=2500, description="T2 axial")
    assert kinds(series) == ["flair"]


def test_several_flip_angles_of_one_sequence_are_a_t1_mapping():
    def at(angle, side=3.0):
        one = series_of(scanning=(GR,), tr_ms=5.0, te_ms=2.0, flip_deg=angle)
        grid = Grid((64, 64, 30), np.diag([side, side, 5.0, 1.0]))
        return replace(one, number=angle, grid=grid)

    assert kinds(at(5), at(10), at(15)) == ["vfa"] * 3
    assert "vfa" not in kinds(at(10), at(10))
    assert "vfa" not in kinds(at(10), at(15, side=1.0))


def test_each_decision_says_why():
    [one] = identify_series([series_of(scanning=(SE,), tr_ms=4700, te_ms=95)], silent)
    assert one.reasons == ("spin echo, TR 4700 ms, TE 95 ms, no inversion",)


def test_rules_that_ask_for_unknown_fields_are_refused():
    text = resources.files("vasotype.study.identify").joinpath("rules.json").read_text("utf-8")
    book = json.loads(text)
    book["rules"][0]["when"] = {"colour": "red"}
    with pytest.raises(ValueError, match="colour"):
        parse_rules(json.dumps(book))


def test_every_rule_can_be_spoken():
    """A reason that names a value stands only where a condition makes sure there is one."""
    text = resources.files("vasotype.study.identify").joinpath("rules.json").read_text("utf-8")
    for rule in parse_rules(text).rules:
        named = {part.split(":")[0].split("}")[0] for part in rule.reason.split("{")[1:]}
        assert named <= set(rule.when), rule.reason


def test_names_are_cut_into_words():
    assert plain_words("T1_axial-stealth-post (T2*) +C") == "t1 axial stealth post t2* +c"
