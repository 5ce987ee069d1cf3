"""Rendered lesions: images follow the drawn biology, and the truth follows the images."""

from dataclasses import replace

import numpy as np
import pytest
from scipy import ndimage
from vasotype_models.contract import ET, NETC, SNFH
from vasotype_training.simulate.anatomy import TUMOR_DISTANCE_MM
from vasotype_training.simulate.biology import Biology
from vasotype_training.simulate.look import draw_look
from vasotype_training.simulate.lookalikes import KINDS, draw_lookalikes
from vasotype_training.simulate.plan import Appearance, Lesion, Population, draw_metastases
from vasotype_training.simulate.render import VISIBLE_EDEMA, add_lesions
from vasotype_training.simulate.scene import start_scene
from vasotype_training.simulate.shape import Shape

WHOLE = (slice(0, 64),) * 3
WHITE_SITE = (24.0, 32.0, 32.0)
BIOLOGY = Biology(
    mode="angiogenic",
    rcbv=3.0,
    ktrans_per_min=0.12,
    edema_ratio=2.0,
    width_mm=0.4,
    tbr=2.5,
    low_permeability=0.2,
    ve=0.25,
    mimicry=False,
    hemorrhage=False,
)


def metastasis(radius=7.0, **changes):
    """A solid ball-shaped lesion without edema."""
    plain = Lesion(
        kind="metastasis",
        centre=WHITE_SITE,
        shape=Shape(radius, (1.0, 1.0, 1.0), (), 0.0, (0.0, 0.0, 0.0, 1.0)),
        rim_mm=None,
        edema_ml=0.0,
        edema_strength=0.8,
        core_t1_s=2.5,
        core_t2_s=0.2,
        biology=BIOLOGY,
        appearance=None,
        seed=11,
    )
    return replace(plain, **changes)


def lookalike(kind, radius=7.0):
    gain = 2.0 if KINDS[kind].gain[1] > 0 else 0.0
    values = (sum(pair) / 2 for pair in (KINDS[kind].t1, KINDS[kind].t2, KINDS[kind].flair))
    return metastasis(radius, kind=kind, biology=None, appearance=Appearance(*values, gain))


@pytest.fixture
def render(ball):
    """Render lesions into the ball, always with the same protocol."""

    def scene_with(*lesions, delay_min=(3.0, 5.0), maps=True):
        look = draw_look(ball, np.random.default_rng(2), delay_min)
        scene = start_scene(ball, WHOLE, np.random.default_rng(3), maps)
        return add_lesions(ball, scene, WHOLE, lesions, look)

    return scene_with


@pytest.fixture(scope="module")
def crowd(ball):
    """A scene full of metastases and look-alikes, several of them touching."""
    rng = np.random.default_rng(6)
    plans = draw_lookalikes(ball, WHOLE, 4, rng)
    population = Population(limits_mm=(2.0, 12.0), cluster_share=0.4)
    plans += draw_metastases(ball, WHOLE, 8, population, (), rng)
    scene = start_scene(ball, WHOLE, rng, with_maps=True)
    return add_lesions(ball, scene, WHOLE, plans, draw_look(ball, rng))


def test_instances_are_the_tumor_core(crowd):
    core = np.isin(crowd.tissue, (NETC, ET))
    assert np.array_equal(crowd.instances > 0, core)


def test_every_lesion_of_the_table_has_its_instance(crowd):
    assert len(crowd.plans) == len(crowd.truth) >= 4
    assert {t.id for t in crowd.truth} == set(np.unique(crowd.instances)) - {0}
    for truth, plan in zip(crowd.truth, crowd.plans, strict=True):
        assert truth.mode == plan.biology.mode
        middle = ndimage.center_of_mass(crowd.instances == truth.id)
        assert np.linalg.norm(np.array(middle) - plan.centre) < 1 + plan.diameter_mm


def test_labels_stay_inside_the_brain(crowd):
    assert not crowd.tissue[~crowd.mask].any()


@pytest.mark.parametrize("seed", [0, 2, 3])
def test_nothing_reaches_near_a_real_tumor(beside_a_tumor, seed):
    rng = np.random.default_rng(seed)
    plans = draw_lookalikes(beside_a_tumor, WHOLE, 4, rng)
    population = Population(limits_mm=(4.0, 18.0), cluster_share=0.4)
    plans += draw_metastases(beside_a_tumor, WHOLE, 8, population, (), rng)
    plain = start_scene(beside_a_tumor, WHOLE, np.random.default_rng(1), with_maps=False)
    before = plain.tissue.copy()
    scene = add_lesions(beside_a_tumor, plain, WHOLE, plans, draw_look(beside_a_tumor, rng))
    new = scene.tissue != before
    assert (new & (scene.tissue == SNFH)).any()
    assert (new & (scene.instances > 0)).any()
    away = ndimage.distance_transform_edt(beside_a_tumor.tumor == 0)
    assert away[new].min() >= TUMOR_DISTANCE_MM
    for channel, image in scene.images.items():
        host = beside_a_tumor.images[channel].astype(np.float32)
        assert np.abs(image - host)[beside_a_tumor.tumor > 0].max() < 1e-3


def test_a_lesion_planned_too_near_to_a_real_tumor_is_left_out(beside_a_tumor):
    plain = start_scene(beside_a_tumor, WHOLE, np.random.default_rng(1), with_maps=False)
    look = draw_look(beside_a_tumor, np.random.default_rng(2))
    lesions = [metastasis(centre=(x, 32.0, 32.0)) for x in (28.0, 44.0)]
    scene = add_lesions(beside_a_tumor, plain, WHOLE, lesions, look)
    assert [plan.centre[0] for plan in scene.plans] == [44.0]


def test_edema_is_never_labelled_in_csf(ball, crowd):
    assert (crowd.tissue == SNFH).any()
    assert ball.csf[crowd.tissue == SNFH].max() < 0.62


def test_low_permeability_is_marked_in_viable_tumor_only(crowd):
    assert crowd.low_permeability.any()
    assert (crowd.tissue[crowd.low_permeability] == ET).all()


def test_images_differ_from_the_healthy_brain_around_lesions_only(ball, render):
    scene = render(metastasis(radius=5.0))
    grid = np.indices(ball.shape)
    away = np.sqrt(((grid - np.array(WHITE_SITE).reshape(3, 1, 1, 1)) ** 2).sum(axis=0))
    for channel, image in scene.images.items():
        changed = np.abs(image - ball.images[channel].astype(np.float32)) > 0.05
        assert changed[away < 4].mean() > 0.8
        assert not changed[away > 12].any()


def test_ktrans_averages_to_the_latent_over_the_lesion(render):
    for share in (0.05, 0.3, 0.6):
        biology = replace(BIOLOGY, low_permeability=share)
        scene = render(metastasis(radius=9.0, biology=biology))
        mean = scene.maps["ktrans"][scene.instances == 1].mean()
        # Partial volume at the border takes a little.
        assert mean == pytest.approx(biology.ktrans_per_min, rel=0.08)


def test_the_share_of_low_permeability_is_the_latent(render):
    for share in (0.1, 0.5):
        biology = replace(BIOLOGY, low_permeability=share)
        scene = render(metastasis(radius=9.0, biology=biology))
        found = scene.low_permeability[scene.instances == 1].mean()
        assert found == pytest.approx(share, abs=0.05)


def test_blood_volume_and_uptake_are_the_latents(render):
    scene = render(metastasis(radius=9.0))
    inside = ndimage.binary_erosion(scene.instances == 1, iterations=2)
    assert scene.maps["rcbv"][inside].mean() == pytest.approx(BIOLOGY.rcbv, rel=0.12)
    assert scene.maps["tbr"][inside].mean() == pytest.approx(BIOLOGY.tbr, rel=0.12)


@pytest.mark.parametrize("delay_min", [3.0, 4.0])
def test_enhancement_grows_with_permeability_at_early_times(render, delay_min):
    """Later the order is lost: leaky vessels wash out sooner."""
    degrees = []
    for ktrans in (0.01, 0.03, 0.09):
        biology = replace(BIOLOGY, ktrans_per_min=ktrans, low_permeability=0.01)
        scene = render(metastasis(biology=biology), delay_min=(delay_min, delay_min))
        inside = scene.instances == 1
        degrees.append(float((scene.images["t1c"] - scene.images["t1"])[inside].mean()))
    assert degrees[0] < degrees[1] < degrees[2]


def test_vessels_that_keep_their_barrier_make_enhancement_patchy(render):
    def unevenness(share):
        biology = replace(BIOLOGY, low_permeability=share)
        scene = render(metastasis(radius=9.0, biology=biology))
        inside = ndimage.binary_erosion(scene.instances == 1, iterations=2)
        return float(scene.images["t1c"][inside].std())

    assert unevenness(0.4) > 1.3 * unevenness(0.02)


def test_a_core_is_labelled_and_stays_dark_after_contrast(render):
    scene = render(metastasis(radius=9.0, rim_mm=3.0))
    core, rim = scene.tissue == NETC, scene.tissue == ET
    assert 0.1 < core.sum() / (core | rim).sum() < 0.6
    assert scene.images["t1c"][core].mean() < scene.images["t1c"][rim].mean() - 0.5


@pytest.mark.parametrize("kind", list(KINDS))
def test_lookalikes_carry_no_label(render, kind):
    scene = render(lookalike(kind, KINDS[kind].radius_mm[0]))
    assert not scene.tissue.any()
    assert not scene.instances.any()
    assert scene.truth == ()


@pytest.mark.parametrize("kind", ["plaque", "t1_bright", "calcification", "cavity", "lacune"])
def test_lookalikes_that_do_not_enhance_look_alike_before_and_after_contrast(ball, render, kind):
    scene = render(lookalike(kind))
    grid = np.indices(ball.shape)
    away = np.sqrt(((grid - np.array(WHITE_SITE).reshape(3, 1, 1, 1)) ** 2).sum(axis=0))
    change = {
        c: float((scene.images[c] - ball.images[c].astype(np.float32))[away < 5].mean())
        for c in ("t1", "t1c")
    }
    assert abs(change["t1"]) > 0.3
    assert change["t1c"] == pytest.approx(change["t1"], abs=0.3)


def test_a_vessel_enhances(ball, render):
    scene = render(lookalike("vessel", 1.0))
    gain = scene.images["t1c"] - scene.images["t1"]
    before = (ball.images["t1c"] - ball.images["t1"]).astype(np.float32)
    assert (gain - before).max() > 1


@pytest.mark.parametrize("volume_ml", [2.0, 6.0])
def test_edema_has_about_its_volume(ball, render, volume_ml):
    scene = render(metastasis(radius=5.0, edema_ml=volume_ml, edema_strength=1.0))
    assert (scene.tissue == SNFH).sum() / 1000 == pytest.approx(volume_ml, rel=0.2)
    assert VISIBLE_EDEMA == 0.5


def test_edema_is_bright_on_flair_and_does_not_enhance(ball, render):
    scene = render(metastasis(radius=5.0, edema_ml=6.0, edema_strength=1.0))
    wet = ndimage.binary_erosion(scene.tissue == SNFH)
    rise = {
        c: float((scene.images[c] - ball.images[c].astype(np.float32))[wet].mean())
        for c in scene.images
    }
    assert rise["flair"] > 0.5
    assert rise["t2"] > 0.3
    assert rise["t1c"] < 0.1


def test_a_later_lesion_takes_no_voxel_of_an_earlier_one(render):
    first, alone = metastasis(), render(metastasis())
    beside = metastasis(centre=(34.0, 32.0, 32.0), seed=12)
    both = render(first, beside)
    assert np.array_equal(both.instances == 1, alone.instances == 1)
    assert (both.instances == 2).any()


def test_rendering_a_plan_twice_gives_the_same_scene(render):
    scenes = [render(metastasis(edema_ml=3.0)) for _ in range(2)]
    for channel in scenes[0].images:
        assert np.array_equal(scenes[0].images[channel], scenes[1].images[channel])
    assert np.array_equal(scenes[0].tissue, scenes[1].tissue)


@pytest.mark.parametrize("interior", ["plain", "broken", "septate", "mural"])
def test_every_interior_leaves_both_viable_tumor_and_core(render, interior):
    scene = render(metastasis(radius=11.0, rim_mm=3.0, interior=interior))
    assert 0.03 < (scene.tissue == NETC).sum() / (scene.instances == 1).sum() < 0.95


def test_the_wall_of_a_cyst_is_thin_but_for_its_nodule(render):
    def thickest(interior):
        scene = render(metastasis(radius=11.0, rim_mm=1.0, interior=interior))
        return ndimage.distance_transform_edt(scene.tissue == ET).max()

    assert thickest("mural") > thickest("plain") + 1


def test_blood_settles_posteriorly_in_a_layered_core(ball, render):
    scenes = [render(metastasis(radius=11.0, rim_mm=2.0, layered=layered)) for layered in (0, 1)]
    change = scenes[1].images["t1"] - scenes[0].images["t1"]
    core = scenes[0].tissue == NETC
    row = np.broadcast_to(np.arange(64)[None, :, None], core.shape)
    posterior, anterior = core & (row < 26), core & (row > 38)
    assert change[posterior].mean() > 0.5
    assert abs(change[anterior].mean()) < 0.1


def test_a_pushing_lesion_displaces_what_lies_around_it(ball, render):
    still, pushed = (render(metastasis(radius=8.0, push_mm=push)) for push in (0.0, 2.5))
    grid = np.indices(ball.shape)
    away = np.sqrt(((grid - np.array(WHITE_SITE).reshape(3, 1, 1, 1)) ** 2).sum(axis=0))
    change = np.abs(pushed.images["t2"] - still.images["t2"])
    assert change[(away > 10) & (away < 14)].mean() > 4 * change[away > 26].mean()
    assert np.array_equal(still.instances, pushed.instances)
