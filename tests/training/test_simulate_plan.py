"""What is drawn for a study: counts, sizes, sites, edema, and nothing that betrays the mode."""

import numpy as np
import pytest
from scipy import ndimage
from vasotype_training.simulate.anatomy import TUMOR_DISTANCE_MM
from vasotype_training.simulate.biology import bleeds, draw_biology
from vasotype_training.simulate.lookalikes import draw_lookalikes
from vasotype_training.simulate.plan import (
    Population,
    draw_count,
    draw_diameter,
    draw_metastases,
    redraw_biology,
)

WHOLE = (slice(0, 64),) * 3


@pytest.fixture(scope="module")
def many(ball):
    """Enough metastases, of enough patients, for statistics."""
    rng = np.random.default_rng(5)
    patients = [draw_metastases(ball, WHOLE, 6, Population(), (), rng) for _ in range(500)]
    return [lesion for patient in patients for lesion in patient]


def test_half_of_the_patients_have_the_counts_of_delattre_and_half_have_many():
    rng = np.random.default_rng(0)
    counts = np.array([draw_count(rng) for _ in range(20_000)])
    assert counts.min() == 1
    assert counts.max() == 40
    assert (counts == 1).mean() == pytest.approx(0.5 * 0.49 + 0.5 / 8, abs=0.015)
    assert (counts >= 5).mean() == pytest.approx(0.5 * 0.11 + 0.5 * (7 / 8) ** 4, abs=0.015)


def test_diameters_are_lognormal_within_their_limits():
    rng = np.random.default_rng(1)
    drawn = np.array([draw_diameter(Population(), rng) for _ in range(5000)])
    assert np.median(drawn) == pytest.approx(7.0, rel=0.05)
    assert np.log(drawn).std() == pytest.approx(0.68, abs=0.03)
    assert drawn.min() >= 2
    assert drawn.max() <= 50


def test_training_may_draw_sizes_evenly_on_a_logarithmic_scale():
    rng = np.random.default_rng(1)
    population = Population(log_uniform_mm=(2.0, 32.0))
    drawn = np.array([draw_diameter(population, rng) for _ in range(4000)])
    assert np.median(drawn) == pytest.approx(8.0, rel=0.06)
    assert (drawn > 16).mean() == pytest.approx(0.25, abs=0.03)


def test_the_same_seed_draws_the_same_plan(ball):
    plans = [
        draw_metastases(ball, WHOLE, 4, Population(), (), np.random.default_rng(9))
        for _ in range(2)
    ]
    assert plans[0] == plans[1]


def test_every_metastasis_starts_where_lesions_may_grow(ball, many):
    for lesion in many:
        index = tuple(np.clip(np.round(lesion.centre).astype(int), 0, 63))
        assert ball.allowed[index]


def test_sites_prefer_the_border_of_white_and_grey_matter(ball, many):
    sites = np.array([np.clip(np.round(m.centre), 0, 63).astype(int) for m in many]).T
    assert ball.junction_mm[tuple(sites)].mean() < 0.8 * ball.junction_mm[ball.allowed].mean()


def test_mode_cannot_be_told_from_size_place_or_core(ball, many):
    """Otherwise a network would learn the shortcut instead of the biology."""
    centre = np.array([31.5] * 3)
    of = {
        "size": lambda m: np.log(m.diameter_mm),
        "core": lambda m: float(m.rim_mm is not None),
        "place": lambda m: float(np.linalg.norm(np.array(m.centre) - centre)),
        "roughness": lambda m: m.shape.roughness,
        "edema strength": lambda m: m.edema_strength,
    }
    for name, feature in of.items():
        values = np.array([feature(m) for m in many])
        means = [values[[m.biology.mode == mode for m in many]].mean() for mode in _modes(many)]
        assert np.ptp(means) < 6 * values.std() / np.sqrt(1000), name


def _modes(lesions):
    modes = sorted({lesion.biology.mode for lesion in lesions})
    assert len(modes) == 3
    return modes


def test_small_metastases_often_lack_edema_and_large_ones_have_it(many):
    small = [m.edema_ml > 0 for m in many if m.diameter_mm < 5]
    large = [m.edema_ml > 0 for m in many if m.diameter_mm > 16]
    assert np.mean(small) < 0.45
    assert np.mean(large) > 0.9


def test_whether_lesions_have_edema_depends_on_the_patient(ball):
    rng = np.random.default_rng(6)
    population = Population(limits_mm=(7.0, 8.0))
    patients = [draw_metastases(ball, WHOLE, 2, population, (), rng) for _ in range(600)]
    wet = np.array([[m.edema_ml > 0 for m in pair] for pair in patients if len(pair) == 2])
    assert np.corrcoef(wet.T)[0, 1] > 0.2


def test_metastases_and_lookalikes_keep_away_from_a_real_tumor(beside_a_tumor):
    rng = np.random.default_rng(8)
    population = Population(limits_mm=(2.0, 16.0), cluster_share=0.5)
    lesions = draw_metastases(beside_a_tumor, WHOLE, 200, population, (), rng)
    lesions += draw_lookalikes(beside_a_tumor, WHOLE, 200, rng)
    away = ndimage.distance_transform_edt(beside_a_tumor.tumor == 0)
    assert len(lesions) > 300
    for lesion in lesions:
        index = tuple(np.clip(np.round(lesion.centre).astype(int), 0, 63))
        # A centre lies up to half a voxel beside the voxel that was looked up.
        assert away[index] > TUMOR_DISTANCE_MM + lesion.diameter_mm / 2 - 1


def test_no_lesion_is_drawn_where_a_real_tumor_leaves_no_room(beside_a_tumor):
    population = Population(limits_mm=(90.0, 90.0))
    assert not draw_metastases(beside_a_tumor, WHOLE, 5, population, (), np.random.default_rng(8))


def test_edema_has_the_ratio_of_the_biology_up_to_its_cap(many):
    for lesion in many:
        volume_ml = np.pi / 6 * lesion.diameter_mm**3 / 1000
        expected = min(80, lesion.biology.edema_ratio * volume_ml)
        assert lesion.edema_ml in (0, pytest.approx(expected))


def test_cores_become_common_with_size(many):
    def share(low, high):
        return np.mean([m.rim_mm is not None for m in many if low < m.diameter_mm <= high])

    assert share(0, 8) < share(8, 16) < share(16, 50)


def test_free_contrast_replaces_biology(ball):
    population = Population(free_share=0.5)
    drawn = draw_metastases(ball, WHOLE, 200, population, (), np.random.default_rng(4))
    assert all((m.biology is None) != (m.appearance is None) for m in drawn)
    assert 60 < sum(m.biology is None for m in drawn) < 140


def test_other_latents_of_a_mode_leave_what_is_seen_of_a_lesions_form(many):
    rng = np.random.default_rng(3)
    for lesion in many[:20]:
        other = redraw_biology(lesion, rng)
        assert other.biology.mode == lesion.biology.mode
        assert other.biology.ktrans_per_min != lesion.biology.ktrans_per_min
        assert (other.shape, other.edema_ml, other.rim_mm) == (
            lesion.shape,
            lesion.edema_ml,
            lesion.rim_mm,
        )


def test_the_primary_tumor_shifts_blood_volume_in_every_mode_alike(many):
    def log_rcbv(primary, mode):
        return np.mean(
            [
                np.log(m.biology.rcbv)
                for m in many
                if m.patient.primary == primary and m.biology.mode == mode
            ]
        )

    for mode in _modes(many):
        assert log_rcbv("renal", mode) - log_rcbv("lung", mode) == pytest.approx(0.8, abs=0.25)


def test_the_primary_tumor_says_nothing_about_the_mode(many):
    for mode in _modes(many):
        of_mode = [m for m in many if m.biology.mode == mode]
        share = np.mean([m.patient.primary == "lung" for m in of_mode])
        assert share == pytest.approx(0.45, abs=0.08)


def test_large_lesions_bleed_more_often():
    rng = np.random.default_rng(2)
    biology = draw_biology(rng, 0.0, "lung")
    small, large = (
        np.mean([bleeds(biology, "lung", size, rng) for _ in range(4000)]) for size in (10, 40)
    )
    assert large > 1.3 * small
