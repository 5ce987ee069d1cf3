"""The best scores that the assumptions allow, and how they are computed."""

import numpy as np
import pytest
from scipy.stats import norm
from vasotype_training.simulate import ceilings, likelihood, plan
from vasotype_training.simulate.biology import LATENTS, MEDIANS, SPREADS
from vasotype_training.simulate.ceilings import (
    INFORMATION,
    REFERENCE,
    RENDERED,
    SPECIFIED,
    auroc_with_error,
    bayes_ceilings,
    ceiling_table,
)


@pytest.fixture(scope="module")
def specified():
    return {c.information: c for c in bayes_ceilings(SPECIFIED, 400, seed=1)}


@pytest.fixture(scope="module")
def rendered():
    return {c.information: c for c in bayes_ceilings(RENDERED, 400, seed=1)}


def test_auroc_is_the_share_of_ordered_pairs_and_its_error_shrinks_with_count():
    rng = np.random.default_rng(0)
    positive, negative = rng.normal(1, 1, 150).round(1), rng.normal(0, 1, 120).round(1)
    value, error = auroc_with_error(positive, negative)
    pairs = positive[:, None] - negative[None, :]
    assert value == pytest.approx(((pairs > 0) + 0.5 * (pairs == 0)).mean())
    _, smaller = auroc_with_error(np.tile(positive, 4), np.tile(negative, 4))
    assert smaller == pytest.approx(error / 2, rel=0.05)


def test_the_error_of_an_auroc_is_the_spread_over_repetitions():
    rng = np.random.default_rng(2)
    drawn = [auroc_with_error(rng.normal(1, 1, 80), rng.normal(0, 1, 60)) for _ in range(400)]
    values, errors = np.array(drawn).T
    assert errors.mean() == pytest.approx(values.std(), rel=0.12)


@pytest.mark.parametrize(
    ("information", "latent"),
    [("edema", "edema"), ("infiltration width", "width"), ("Ktrans", "ktrans"), ("TBR", "tbr")],
)
def test_a_single_normal_feature_reaches_its_closed_form(specified, information, latent):
    index = LATENTS.index(latent)
    apart = abs(np.log(MEDIANS["angiogenic"][index] / MEDIANS["co_option"][index]))
    expected = norm.cdf(apart / SPREADS[index] / np.sqrt(2))
    value, error = specified[information].scores[0]
    assert value == pytest.approx(expected, abs=4 * error)


@pytest.mark.parametrize("information", REFERENCE)
def test_recorded_ceilings_are_reproduced(specified, information):
    for (value, error), recorded in zip(
        specified[information].scores, REFERENCE[information], strict=True
    ):
        if recorded is not None:
            assert value == pytest.approx(recorded, abs=4 * error + 0.01)


def test_more_information_never_lowers_a_ceiling(specified, rendered):
    for table in (specified, rendered):
        for name, known in INFORMATION.items():
            for other, more in INFORMATION.items():
                if set(known) < set(more):
                    gain = table[other].scores[0][0] - table[name].scores[0][0]
                    assert gain > -0.01, (name, other)


def test_what_small_lesions_hide_lowers_the_ceiling_of_edema(specified, rendered):
    assert rendered["edema"].scores[0][0] < specified["edema"].scores[0][0]


def test_minimal_enhancement_is_a_sign_of_co_option():
    drawn = likelihood.draw_lesions(SPECIFIED, 1500, np.random.default_rng(3))
    faint = np.exp(drawn.values[likelihood.ENHANCEMENT]) < 0.25
    shares = [faint[drawn.mode == k].mean() for k in range(3)]
    assert shares == pytest.approx([0.01, 0.04, 0.12], abs=0.025)


def test_the_likelihood_knows_how_often_the_simulator_draws_edema(ball):
    whole = (slice(0, 64),) * 3
    rng = np.random.default_rng(4)
    population = plan.Population(limits_mm=(5.0, 50.0), log_normal_mm=(8.0, 0.1))
    patients = [plan.draw_metastases(ball, whole, 3, population, (), rng) for _ in range(500)]
    drawn = [lesion for patient in patients for lesion in patient]
    sizes = np.array([lesion.diameter_mm for lesion in drawn])
    expected = plan.edema_presence(sizes).mean()
    assert np.mean([lesion.edema_ml > 0 for lesion in drawn]) == pytest.approx(expected, abs=0.05)


def test_the_table_shows_each_value_beside_the_recorded_one(specified):
    lines = ceiling_table(list(specified.values())).splitlines()
    assert len(lines) == 2 + len(INFORMATION)
    structural = next(line for line in lines if "first four" in line)
    assert "(0.858)" in structural
    assert structural.count("±") == len(ceilings.COLUMNS)
