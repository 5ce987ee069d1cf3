from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from scipy.special import softmax
from vasotype.findings import StudyError
from vasotype_models.contract import MODES
from vasotype_training import recalibrate as module
from vasotype_training.calibrate import calibrate, prediction_sets
from vasotype_training.calibrate_tissue import TissueSample
from vasotype_training.evaluate.summary import patient
from vasotype_training.recalibrate import SiteLesion, refit


@pytest.fixture(scope="module")
def shipped(made_lesions):
    return calibrate(made_lesions(np.random.default_rng(0), 240), "made by hand")


def site(rng, count, sharpening=1.0, tier="structural"):
    """Lesions whose stated logits are the true ones times ``sharpening``."""
    logits = rng.normal(0, 1.2, (count, 3))
    chance = softmax(logits, axis=1)
    modes = (rng.random((count, 1)) > np.cumsum(chance, axis=1)).sum(axis=1).clip(max=2)
    stated = sharpening * logits
    return [
        SiteLesion(number // 3, tier, int(mode), row, row)
        for number, (mode, row) in enumerate(zip(modes, stated, strict=True))
    ]


def test_an_overconfident_model_is_cooled_by_the_site_s_own_lesions(shipped):
    found = refit(shipped, site(np.random.default_rng(1), 1500, sharpening=3.0), "site")
    assert found.calibration.fused_temperature["structural"] == pytest.approx(3.0, rel=0.15)
    assert found.calibration.temperature["structural"] == pytest.approx(3.0, rel=0.15)


def test_new_sets_cover_fresh_lesions_of_the_site(shipped):
    calibration = refit(shipped, site(np.random.default_rng(2), 2400, 2.0), "site").calibration
    fresh = site(np.random.default_rng(3), 2400, 2.0)
    modes = np.array([lesion.mode for lesion in fresh])
    logits = np.array([lesion.fused_logits for lesion in fresh])
    p = softmax(logits / calibration.fused_temperature["structural"], axis=1)
    sets = prediction_sets(p, calibration.conformal_threshold["structural"])
    for k in range(len(MODES)):
        assert sets[modes == k, k].mean() == pytest.approx(0.9, abs=0.04)


def test_tiers_without_lesions_of_their_own_stay_simulated(shipped):
    found = refit(shipped, site(np.random.default_rng(4), 300), "site")
    new = found.calibration
    assert new.conformal_threshold["both"] == shipped.conformal_threshold["both"]
    assert new.conformal_threshold["structural"] != shipped.conformal_threshold["structural"]
    assert new.basis == "simulation"
    assert "site: tiers structural" in new.source
    assert new.fusion == shipped.fusion


def test_with_every_tier_refitted_the_claim_holds_for_the_site(shipped):
    rng = np.random.default_rng(5)
    lesions = [x for tier in shipped.temperature for x in site(rng, 300, tier=tier)]
    assert refit(shipped, lesions, "site").calibration.basis == "site"


def test_a_handful_of_lesions_calibrates_nothing(shipped):
    with pytest.raises(StudyError, match="30 in 5 are needed") as refused:
        refit(shipped, site(np.random.default_rng(6), 40), "site")
    assert refused.value.code == "site-lesions"


def no_voxels():
    return TissueSample(np.zeros((4, 0), np.float32), np.zeros(0, np.uint8))


def too_sure(count, rng):
    """Voxels of one study whose probabilities are farther from even than they should be."""
    honest = rng.dirichlet(np.full(4, 0.7), count)
    labels = (rng.random((count, 1)) > honest.cumsum(axis=1)).sum(axis=1).clip(0, 3)
    sure = honest**2 / (honest**2).sum(axis=1, keepdims=True)
    return TissueSample(sure.T.astype(np.float32), labels.astype(np.uint8))


def test_outlines_alone_refit_the_tissues(shipped):
    rng = np.random.default_rng(8)
    found = refit(shipped, [], "site", (), [too_sure(800, rng) for _ in range(12)])
    assert found.calibration.tissue.slope == pytest.approx(0.5, abs=0.05)
    assert found.calibration.basis == "simulation"
    assert found.calibration.temperature == shipped.temperature
    assert found.summary == ("tissues: refitted on voxels about the lesions of 12 studies",)


def test_too_few_outlines_refit_nothing_and_say_so(shipped):
    rng = np.random.default_rng(9)
    few = [too_sure(800, rng) for _ in range(9)] + [no_voxels()] * 5
    lesions = site(np.random.default_rng(10), 300)
    found = refit(shipped, lesions, "site", (), few)
    assert found.calibration.tissue == shipped.tissue
    assert "tissues: kept as they were; 9 studies with lesions, 10 are needed" in found.summary
    with pytest.raises(StudyError, match="9 studies with lesions, 10 are needed"):
        refit(shipped, [], "site", (), few)


@pytest.fixture
def three_visits(monkeypatch, shipped):
    """Two examinations of one patient and one of another; lesions that only tell the patient."""
    folders = [Path(name) for name in ("a", "b", "damaged", "c")]
    names = {"a": "BraTS-MET-00001-000", "b": "BraTS-MET-00001-001", "c": "sub-2_ses-01"}

    def read_labelled(folder):
        return SimpleNamespace(study=SimpleNamespace(name=names.get(folder.name)), lesions=[1])

    def analyse(study):
        if study.name is None:
            raise StudyError("no-brain", "nothing to see")

    monkeypatch.setattr(module, "find_labelled", lambda _: folders)
    monkeypatch.setattr(module, "read_labelled", read_labelled)
    monkeypatch.setattr(module, "patient", lambda name: patient(name or "nameless"))
    monkeypatch.setattr(
        module, "site_lesions", lambda number, *_: [SiteLesion(number, "both", 0, None, None)]
    )
    monkeypatch.setattr(module, "site_voxels", lambda *_: no_voxels())
    identity = SimpleNamespace(sha256="a" * 64)
    engine = SimpleNamespace(calibration=shipped, identity=identity)
    runtime = SimpleNamespace(engine=engine, analyse=analyse)
    monkeypatch.setattr(module.vasotype, "load", lambda *_: runtime)


@pytest.fixture
def refitted_from(monkeypatch):
    """What is handed to the fit."""
    seen = SimpleNamespace()

    def refit(calibration, lesions, site, refused, voxels):
        seen.calibration, seen.lesions, seen.refused = calibration, lesions, refused

    monkeypatch.setattr(module, "refit", refit)
    return seen


def test_timepoints_of_one_patient_share_a_number_and_so_a_fold(three_visits, refitted_from):
    module.recalibrate(Path("cohort"), "default")
    first, second, other = (lesion.patient for lesion in refitted_from.lesions)
    assert first == second != other


def test_a_refused_study_is_left_out_and_named(three_visits, refitted_from):
    steps = []
    module.recalibrate(Path("cohort"), "default", progress=lambda *step: steps.append(step))
    assert refitted_from.refused == ["damaged: left out, no-brain: nothing to see"]
    assert steps[-1] == (4, 4)


def test_refusals_are_told_with_what_was_refitted_and_with_what_was_not(shipped):
    found = refit(shipped, site(np.random.default_rng(7), 300), "site", ["x: left out"])
    assert found.summary[-1] == "x: left out"
    with pytest.raises(StudyError, match="x: left out"):
        refit(shipped, [], "site", ["x: left out"])


def test_a_new_calibration_names_its_model(three_visits, refitted_from):
    module.recalibrate(Path("cohort"), "default")
    assert refitted_from.calibration.model_sha256 == "a" * 64
    assert refitted_from.calibration.serves("a" * 64)
    assert not refitted_from.calibration.serves("b" * 64)


@pytest.mark.parametrize(
    ("study", "name"),
    [
        ("BraTS-MET-00001-002", "BraTS-MET-00001"),
        ("sub-7_ses-02", "sub-7"),
        ("sub-7", "sub-7"),
        ("patient7", "patient7"),
    ],
)
def test_the_patient_of_a_study_is_its_name_without_the_timepoint(study, name):
    assert patient(study) == name
