"""From scores to figures: by size, by patient, by mode, and what is too good."""

from dataclasses import replace
from pathlib import Path

import nibabel as nib
import pytest
from evaluation import (
    LPS,
    cube,
    figure,
    labelled,
    make_figure,
    phenotype,
    prediction,
    scored_study,
)
from vasotype_training.cohorts import LesionTruth
from vasotype_training.evaluate.modes import CEILING, leaks, mode_figures
from vasotype_training.evaluate.score import LesionScore, score
from vasotype_training.evaluate.summary import (
    detection_figures,
    enhancement_left,
    outline_figures,
    patient,
)
from vasotype_training.evaluate.tumor_free import TumorFree, tumor_free_figures
from vasotype_training.evaluate.worst import mistakes, worst


def test_sensitivity_is_told_by_size():
    truth = cube(((4, 4, 4), 2, 3), ((16, 16, 16), 8, 3))
    answer = cube(((16, 16, 16), 8, 3))
    found = detection_figures([scored_study("a", truth, answer)])
    assert figure(found, "sensitivity").value == 0.5
    assert figure(found, "sensitivity, <3 mm").value == 0.0
    assert figure(found, "sensitivity, 10+ mm").value == 1.0
    assert [f for f in found if f.metric == "sensitivity, 5-10 mm"] == []


@pytest.mark.parametrize(
    ("cnr", "diameter_mm", "named"),
    [
        (1.4, 8.0, "rim below 1.5"),
        (1.5, 8.0, "rim 1.5-3"),
        (3.0, 8.0, "rim 3+"),
        (3.0, 4.0, None),
        (None, 8.0, None),
    ],
)
def test_sensitivity_of_large_lesions_is_told_by_the_contrast_of_their_rim(cnr, diameter_mm, named):
    known = LesionTruth(1, None, None, "simulation", cnr)
    lesion = LesionScore(diameter_mm, True, (0, 0, 0), {}, known, None)
    study = replace(scored_study("a", cube(), cube()), lesions=(lesion,))
    rims = [f for f in detection_figures([study]) if "rim" in f.metric]
    expected = [] if named is None else [f"sensitivity, 5+ mm, {named}"]
    assert [f.metric for f in rims] == expected
    assert all((f.value, f.n) == (1.0, 1) for f in rims)


def test_timepoints_of_one_patient_are_resampled_together():
    assert patient("BraTS-MET-00001-000") == patient("BraTS-MET-00001-001")
    assert patient("BraTS2021_00001") != patient("BraTS2021_00002")
    truth = cube(((8, 8, 8), 8, 3))
    pair = [
        scored_study("BraTS-MET-00001-000", truth, truth),
        scored_study("BraTS-MET-00001-001", truth, cube()),
    ]
    dice = figure(outline_figures(pair), "dice_tc")
    assert (dice.value, dice.n, dice.low) == (0.5, 2, None)


def test_enhancement_left_is_a_mean_over_studies_that_enhanced():
    (left,) = enhancement_left({"a": 10.0, "b": 2.0, "c": 0.0}, {"a": 1.0, "b": 0.6, "c": 0.0})
    assert left.value == pytest.approx((0.1 + 0.3) / 2)
    assert left.n == 2


def reading_score(mode, record, diameter_mm=8.0):
    truth = LesionTruth(1, mode, None, "simulation")
    return LesionScore(diameter_mm, True, (0, 0, 0), {}, truth, record)


def study_with(name, *lesions):
    empty = scored_study(name, cube(), cube())
    return type(empty)(**{**vars(empty), "lesions": lesions})


def test_mode_figures_keep_tiers_apart_and_leave_tiny_lesions_out():
    studies = [
        study_with(
            f"s{number}",
            reading_score("angiogenic", phenotype(0.8, 0.1, tier="dsc")),
            reading_score("co_option", phenotype(0.1, 0.2, tier="dsc")),
            reading_score("intermediate", phenotype(0.6, 0.2, tier="structural")),
            reading_score("co_option", phenotype(0.9, 0.1, tier="dsc"), diameter_mm=4.9),
        )
        for number in range(4)
    ]
    found = mode_figures(studies)
    auroc = figure(found, "auroc_angiogenic_co_option, dsc")
    assert (auroc.value, auroc.n) == (1.0, 8)
    assert figure(found, "coverage, dsc").value == 0.5
    assert figure(found, "balanced_accuracy, structural").value == 0.0
    assert [f for f in found if "both" in f.metric] == []


def test_an_auroc_above_its_ceiling_raises_the_alarm():
    honest = make_figure(
        0.86, n=99, low=0.84, high=0.88, metric="auroc_angiogenic_co_option, structural"
    )
    assert leaks([honest]) == []
    leaky = honest.model_copy(update={"low": CEILING["structural"] + 0.021})
    assert leaks([leaky.model_copy(update={"n": 20})]) == []
    assert len(leaks([leaky])) == 1


def test_whatever_is_found_in_a_tumor_free_brain_is_counted(tmp_path):
    plaques = cube(((20, 20, 20), 6, 1))
    mask = tmp_path / "plaques.nii.gz"
    nib.save(nib.Nifti1Image(plaques, LPS), mask)
    guess = cube(((6, 6, 6), 4, 3), ((21, 21, 21), 2, 1), ((12, 12, 12), 3, 2), ((29, 2, 2), 1, 3))
    found = tumor_free_figures(TumorFree(tmp_path, mask), prediction(guess))
    assert {f.metric: f.value for f in found} == pytest.approx(
        {
            "enhancing_lesions": 1,
            "enhancing_ml": 0.065,
            "tumor_ml, outside other lesions": 0.092,
            "core_ml, inside other lesions": 0.008,
        }
    )


def test_mistakes_are_the_missed_lesions_and_the_false_positives():
    truth = cube(((4, 4, 4), 6, 3), ((20, 20, 20), 3, 3))
    guess = cube(((4, 4, 4), 6, 3), ((4, 24, 24), 4, 3))
    found = mistakes(Path("folder"), score(labelled(truth), prediction(guess)))
    assert [m.diameter_mm is None for m in found] == [False, True]
    assert worst(found) == found
