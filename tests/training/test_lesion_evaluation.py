from dataclasses import replace

import numpy as np
import pytest
from vasotype.phenotype.fusion import numbers_name
from vasotype_training.calibrate import calibrate
from vasotype_training.evaluate.figures import Figures
from vasotype_training.lesion_evaluation import run as evaluation
from vasotype_training.lesion_evaluation.figures import DIFFERENCE, MEASURABLE
from vasotype_training.lesion_evaluation.measure import in_tier, matched, patients_of
from vasotype_training.lesion_evaluation.populations import (
    EDEMA,
    NO_T1,
    PLANS,
    SERIES,
    SHIFTED,
    USUAL,
)
from vasotype_training.lesion_evaluation.scores import cell
from vasotype_training.simulate.ceilings import Ceiling

NAMES = ("structural (the first four)", "structural + rCBV", "structural + Ktrans, f")
CEILINGS = [Ceiling(name, ((0.5, 0.01),) * 4) for name in (*NAMES, "structural + rCBV + Ktrans, f")]


@pytest.fixture(scope="module")
def measured(made_lesions):
    """Lesions made by hand for every population; the paired ones are the usual ones again."""
    usual = [replace(x, truth=n) for n, x in enumerate(made_lesions(np.random.default_rng(0), 150))]
    found = {}
    for plan in PLANS:
        lesions = usual if plan.paired else made_lesions(np.random.default_rng(1), 60)
        names = {t: numbers_name(t, plan.options.channels, pet=plan.pet) for t in usual[0].answers}
        found[plan.name] = [
            replace(x, answers={names[t]: a for t, a in x.answers.items()}) for x in lesions
        ]
    return found


@pytest.fixture(scope="module")
def written(tmp_path_factory, measured, made_lesions):
    place = tmp_path_factory.mktemp("evaluation")
    calibration = calibrate(made_lesions(np.random.default_rng(2), 240), "by hand")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(evaluation, "anatomy_places", lambda _: [place])
        patch.setattr(evaluation.Bench, "measure", lambda *_: measured)
        patch.setattr(
            "vasotype_training.lesion_evaluation.figures.bayes_ceilings", lambda *_: CEILINGS
        )
        patch.setattr("vasotype_training.evaluate.metrics.DRAWS", 20)
        patch.setattr("vasotype.engine.session.read_calibration", lambda _: calibration)
        figures = evaluation.evaluate_lesions(
            [place], "default", place / "out", evaluation.LesionOptions(patients=25)
        )
    return figures, place / "out"


def test_all_figures_are_written_and_called_simulated(written):
    figures, folder = written
    assert Figures.read(folder / "lesions.json") == figures
    page = (folder / "lesions.md").read_text()
    assert all("simulated" in line for line in page.splitlines() if line.startswith("| fused"))
    for words in (
        "| AUROC mixed / co-option: + DSC + DCE |",
        "| shifted: covered |",
        "| ceiling |",
    ):
        assert words in page
    for plan in PLANS[1:]:
        assert f"| {plan.name}, + DSC + DCE |" in page


def test_what_is_asked_stands_beside_what_was_reached(written):
    page = (written[1] / "lesions.md").read_text()
    row = next(line for line in page.splitlines() if line.startswith("| structural |"))
    assert "≥ 0.79" in row
    assert "0.87 to 0.93" in page
    assert "series minus from maps" in page


def test_the_same_lesions_measured_alike_differ_by_nothing(written):
    figures = written[0].figures
    for tier in ("structural", "both"):
        difference = cell(figures, EDEMA, f"{tier}, fused", DIFFERENCE)
        assert (difference.value, difference.low, difference.high) == (0, 0, 0)


def test_only_pure_lesions_are_paired_and_all_lesions_counted(written, measured):
    figures = written[0].figures
    pure = sum(lesion.mode != 1 for lesion in measured[USUAL])
    assert cell(figures, SERIES, "both, fused", DIFFERENCE).n == pure
    assert cell(figures, SERIES, "both, fused", MEASURABLE).n == len(measured[USUAL])
    assert cell(figures, USUAL, "both, fused", "balanced_accuracy").n == len(measured[USUAL])
    assert cell(figures, SHIFTED, "both, fused", "auroc_novelty").n == 150 + 60


def test_a_calibration_without_numbers_for_an_input_reads_it_as_the_runtime_does(written):
    """The usual answers under another name: read with the tier's own numbers they are the same."""
    figures = written[0].figures
    assert cell(figures, NO_T1, "dsc, fused", DIFFERENCE).value == 0


def test_lesions_are_paired_by_their_truth(measured):
    usual = measured[USUAL]
    first, second = matched(usual, list(reversed(usual[5:])))
    assert [x.truth for x in first] == [x.truth for x in second] == list(range(5, len(usual)))


def test_a_lesion_without_a_value_of_its_map_is_not_in_the_tier(made_lesions):
    (lesion,) = made_lesions(np.random.default_rng(3), 1, without=("rcbv_mean",))
    assert in_tier(lesion, "dce", "dce")
    assert not in_tier(lesion, "dsc", "dsc")
    assert not in_tier(lesion, "dce", "dce-t1")


def test_every_population_has_a_few_patients_however_few_there_are():
    assert [patients_of(plan, 8) for plan in PLANS] == [8, 2, 2, 2, 2, 2, 2]
    assert [patients_of(plan, 1) for plan in PLANS] == [1] * 7
    assert patients_of(PLANS[1], 250) == 30
