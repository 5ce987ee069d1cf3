"""Signals and kinetics behave as physics says."""

import numpy as np
import pytest
from vasotype_training.simulate import physics
from vasotype_training.simulate.biology import (
    LATENTS,
    MEDIANS,
    covariance,
    draw_biology,
    draw_latents,
    means,
)


def protocol(delay_min: float = 5.0, spin_echo: bool = False) -> physics.Sequences:
    return physics.Sequences(
        spin_echo,
        3.0,
        2.0 if not spin_echo else 0.5,
        0.9,
        0.012,
        4.0,
        0.1,
        9.0,
        2.5,
        0.12,
        0.1,
        4.5,
        delay_min,
    )


@pytest.mark.parametrize("spin_echo", [False, True])
def test_white_matter_is_brighter_than_grey_than_csf_on_t1(spin_echo: bool) -> None:
    signals = [
        float(
            physics.t1_weighted(
                np.float32(t.t1),
                np.float32(t.t2),
                np.float32(t.density),
                protocol(spin_echo=spin_echo),
            )
        )
        for t in (physics.WHITE, physics.GREY, physics.CSF)
    ]
    assert signals == sorted(signals, reverse=True)


def test_flair_nulls_csf_and_shows_edema() -> None:
    csf, white, edema = (
        float(
            physics.flair_weighted(
                np.float32(t.t1), np.float32(t.t2), np.float32(t.density), protocol()
            )
        )
        for t in (physics.CSF, physics.WHITE, physics.EDEMA)
    )
    assert csf < 0.5 * white
    assert edema > 1.4 * white


def test_parker_input_function_matches_its_published_peak() -> None:
    minutes = np.linspace(-0.5, 5, 5501)
    curve = physics.parker_aif(minutes)
    assert np.all(curve[minutes < 0] == 0)
    assert curve.max() == pytest.approx(6.0, abs=0.2)
    assert minutes[curve.argmax()] == pytest.approx(0.171, abs=0.01)


def test_enhancement_order_of_modes_inverts_late() -> None:
    """Leaky vessels win early and wash out by ten minutes."""
    ktrans = np.array([0.13, 0.05])
    early = physics.tissue_concentration(ktrans, 0.25, 0.02, protocol(3.0))
    late = physics.tissue_concentration(ktrans, 0.25, 0.02, protocol(10.0))
    assert early[0] > early[1]
    assert late[0] < late[1]


def test_latent_covariance_is_positive_definite() -> None:
    assert np.linalg.eigvalsh(covariance()).min() > 0.01


def test_drawn_latents_have_the_medians_of_their_mode() -> None:
    rng = np.random.default_rng(3)
    drawn = [draw_biology(rng, rng.normal(), "lung") for _ in range(4000)]
    for mode, medians in MEDIANS.items():
        ktrans = [b.ktrans_per_min for b in drawn if b.mode == mode]
        assert np.median(ktrans) == pytest.approx(medians[1], rel=0.08)
    assert means("angiogenic")[5] < means("co_option")[5]


def test_sharing_edema_within_patients_keeps_the_latents_of_the_table() -> None:
    rng = np.random.default_rng(4)
    drawn = np.array([draw_latents("co_option", rng.normal(), rng) for _ in range(20_000)])
    assert drawn.mean(axis=0) == pytest.approx(means("co_option"), abs=0.03)
    assert np.cov(drawn.T) == pytest.approx(covariance(), abs=0.04)


def test_lesions_of_a_patient_share_edema_and_nothing_else() -> None:
    rng = np.random.default_rng(5)
    pairs = np.array(
        [
            [draw_latents("angiogenic", shared, rng) for _ in range(2)]
            for shared in rng.normal(size=8000)
        ]
    )
    for number, latent in enumerate(LATENTS):
        together = np.corrcoef(pairs[:, 0, number], pairs[:, 1, number])[0, 1]
        if latent == "edema":
            assert 0.4 < together < 0.65
        else:
            assert together == pytest.approx(0, abs=0.04)
