from pathlib import Path
from types import SimpleNamespace

import nibabel as nib
import numpy as np
import pytest
import vasotype
from vasotype.findings import StudyError
from vasotype.result import (
    LesionRecord,
    MimicrySuspicion,
    ModelIdentity,
    ModeProbabilities,
    PhenotypeRecord,
    Result,
    VolumeMl,
)
from vasotype.stages import Grid, Study, Volume
from vasotype_models.contract import read_calibration, read_contract
from vasotype_models.registry import resolve
from vasotype_training.cohorts import LabelledStudy, LesionTruth
from vasotype_training.evaluate import Figure, Figures, Options, compare, evaluate
from vasotype_training.evaluate.figures import CohortRecord
from vasotype_training.evaluate.modes import CEILING, leaks, mode_figures
from vasotype_training.evaluate.predictions import Prediction, Shelf, digest, vary
from vasotype_training.evaluate.score import LesionScore, one_mm_grid, score
from vasotype_training.evaluate.summary import (
    detection_figures,
    enhancement_left,
    outline_figures,
    patient,
)
from vasotype_training.evaluate.threshold import by_threshold
from vasotype_training.evaluate.tumor_free import TumorFree, tumor_free_figures
from vasotype_training.evaluate.worst import mistakes, worst

SIDE = 32
LPS = np.diag([-1.0, -1.0, 1.0, 1.0])
MODEL = ModelIdentity(name="fake", version="1", sha256="a" * 64)


def cube(*cubes, shape=(SIDE,) * 3):
    labels = np.zeros(shape, np.uint8)
    for start, side, label in cubes:
        labels[tuple(slice(s, s + side) for s in start)] = label
    return labels


def phenotype(angiogenic=0.7, intermediate=0.2, tier="structural", members=("angiogenic",)):
    co_option = 1 - angiogenic - intermediate
    return PhenotypeRecord(
        probabilities=ModeProbabilities(
            angiogenic=angiogenic, intermediate=intermediate, co_option=co_option
        ),
        mimicry_suspicion=MimicrySuspicion(level="no", score=0.2),
        label="angiogenic",
        label_supported=True,
        prediction_set=members,
        abstained=False,
        reason=None,
        tier=tier,
        low_permeability_share=0.3,
    )


def lesion(number, reading):
    return LesionRecord(
        id=number,
        centroid_ras_mm=(0, 0, 0),
        volume_ml=VolumeMl(enhancing=1, non_enhancing_core=0, edema=0),
        longest_diameter_mm=5,
        perpendicular_diameter_mm=5,
        longest_ends_ras_mm=((0, 0, 0), (5, 0, 0)),
        enhancement_pattern="nodular",
        confidence=0.9,
        edema_shared=False,
        phenotype=reading,
    )


def result(lesions=(), enhancing_ml=1.0):
    return Result(
        vasotype_version=vasotype.__version__,
        study="s",
        created="2026-01-01T00:00:00Z",
        model=MODEL,
        provider="CPUExecutionProvider",
        reference="t1c",
        inputs=(),
        missing=(),
        findings=(),
        labels={},
        habitat_channels=(),
        total_volume_ml=VolumeMl(enhancing=enhancing_ml, non_enhancing_core=0, edema=0),
        lesions=lesions,
        timings_s={},
    )


def study(channels=("t1", "t1c", "t2", "flair"), affine=LPS, shape=(SIDE,) * 3):
    rng = np.random.default_rng(0)
    volumes = {
        c: Volume(rng.uniform(1, 9, shape).astype(np.float32), Grid(shape, affine))
        for c in channels
    }
    return Study("s", volumes)


def labelled(tissue, name="s", **more):
    return LabelledStudy(name, study(shape=tissue.shape), tissue, **more)


def prediction(tissue, instances=None, lesions=()):
    ids = np.zeros(tissue.shape, np.uint16) if instances is None else instances.astype(np.uint16)
    sure = np.stack([np.where(tissue == label, 255, 0) for label in (1, 2, 3)]).astype(np.uint8)
    return Prediction(tissue, ids, sure, Grid(tissue.shape, LPS), result(lesions))


# one study


def test_a_perfect_prediction_scores_one_everywhere():
    truth = cube(((8, 8, 8), 6, 3), ((20, 20, 20), 4, 1), ((14, 8, 8), 3, 2))
    perfect = score(labelled(truth), prediction(truth))
    assert perfect.dice == {"wt": 1.0, "tc": 1.0, "et": 1.0}
    assert [found.found for found in perfect.lesions] == [True, True]
    assert (perfect.false_positives, perfect.fragments) == (0, 0)


def test_regions_that_are_empty_in_both_are_told_apart():
    edema = cube(((8, 8, 8), 6, 2))
    only = score(labelled(edema), prediction(edema))
    assert only.both_empty == ("tc", "et")
    assert set(only.dice) == {"wt"}


def test_orientation_of_the_prediction_changes_nothing():
    truth, answer = cube(((8, 8, 8), 6, 3)), cube(((9, 7, 8), 6, 3))
    affine = np.eye(4)
    affine[:2, 3] = -(SIDE - 1)
    flipped = Prediction(
        answer[::-1, ::-1].copy(),
        np.zeros(answer.shape, np.uint16),
        np.zeros((3, *answer.shape), np.uint8),
        Grid(answer.shape, affine),
        result(),
    )
    assert score(labelled(truth), flipped).dice == score(labelled(truth), prediction(answer)).dice


def test_mode_is_read_from_the_predicted_lesion_that_found_the_true_one():
    tissue = cube(((6, 6, 6), 6, 3), ((20, 20, 20), 6, 3))
    ids = cube(((6, 6, 6), 6, 1), ((20, 20, 20), 6, 2))
    swapped = cube(((6, 6, 6), 6, 2), ((20, 20, 20), 6, 1))
    truth = (LesionTruth(1, "angiogenic", None, "x"), LesionTruth(2, "co_option", None, "x"))
    readings = (lesion(1, phenotype(0.1)), lesion(2, phenotype(0.9, 0.05)))
    scored = score(
        labelled(tissue, instances=ids.astype(np.uint16), lesions=truth),
        prediction(tissue, swapped, readings),
    )
    said = {s.truth.mode: s.reading.probabilities.angiogenic for s in scored.lesions}
    assert said == {"angiogenic": 0.9, "co_option": 0.1}


def test_unscored_core_counts_false_positives_only_away_from_the_tumor():
    truth = cube(((6, 6, 6), 12, 2), ((8, 8, 8), 6, 1))
    answer = cube(((6, 6, 6), 12, 3), ((24, 24, 24), 4, 3))
    scored = score(labelled(truth), prediction(answer), core_scored=False)
    assert set(scored.dice) == {"wt"}
    assert scored.lesions == ()
    assert scored.false_positives == 1
    assert not scored.without_lesion


def test_excluded_voxels_count_nowhere():
    truth = cube(((6, 6, 6), 6, 3), ((20, 20, 20), 6, 3))
    answer = cube(((6, 6, 6), 6, 3))
    exclude = cube(((18, 18, 18), 10, 1)) > 0
    assert score(labelled(truth), prediction(answer)).dice["et"] < 1
    assert score(labelled(truth, exclude=exclude), prediction(answer)).dice["et"] == 1


def test_thick_slices_are_measured_on_a_millimetre_grid_over_the_same_space():
    native = Grid((30, 20, 6), np.diag([0.5, 1.0, 5.0, 1.0]))
    grid = one_mm_grid(native)
    assert grid.shape == (15, 20, 30)
    assert grid.spacing_mm == pytest.approx((1, 1, 1))
    lower, upper = np.array([-0.5, -0.5, -0.5, 1]), np.array([14.5, 19.5, 29.5, 1])
    np.testing.assert_allclose(grid.affine @ lower, native.affine @ np.array([-0.5] * 3 + [1]))
    np.testing.assert_allclose(grid.affine @ upper, native.affine @ np.array([29.5, 19.5, 5.5, 1]))


# variants and kept predictions


def test_variants_take_sequences_away_or_replace_contrast():
    whole = study()
    assert vary(whole, "all") is whole
    assert set(vary(whole, "t1c+flair").volumes) == {"t1c", "flair"}
    assert vary(whole, "t1c:=t1").volumes["t1c"] is whole.volumes["t1"]
    assert vary(study(("t1c", "flair")), "t1c:=t1") is None
    assert vary(study(("flair",)), "t1c+flair") is None


class FakeRuntime:
    """Finds what is bright in T1c, and counts how often it was asked."""

    def __init__(self):
        folder = resolve("default")
        self.engine = SimpleNamespace(
            identity=MODEL, contract=read_contract(folder), calibration=read_calibration(folder)
        )
        self.asked = 0

    def analyse(self, study):
        self.asked += 1
        native = study.volumes[study.reference]
        bright = native.data > 100
        lesions = SimpleNamespace(
            native_tissue=bright.astype(np.uint8) * 3, native_instances=bright.astype(np.uint16)
        )
        found = (lesion(1, phenotype()),) if bright.any() else ()
        return SimpleNamespace(
            lesions=lesions,
            maps=SimpleNamespace(
                tissue=np.stack([1.0 - bright, 0.0 * bright, 0.0 * bright, bright])
            ),
            prepared=SimpleNamespace(native=native, grid=native.grid),
            result=result(found, enhancing_ml=float(bright.sum()) / 1000),
        )


def test_a_kept_prediction_is_used_until_the_study_changes(tmp_path):
    runtime, shelf = FakeRuntime(), Shelf(tmp_path)
    first = shelf.predict(study(), runtime)
    again = shelf.predict(study(), runtime)
    assert runtime.asked == 1
    np.testing.assert_array_equal(first.tissue, again.tissue)
    np.testing.assert_array_equal(first.grid.affine, again.grid.affine)
    assert first.result == again.result
    shelf.predict(study(("t1c", "flair")), runtime)
    Shelf(tmp_path, fresh=True).predict(study(), runtime)
    assert runtime.asked == 3


def test_the_same_images_under_other_channel_names_are_another_study():
    whole = study(("t1", "t1c"))
    t1, t1c = whole.volumes["t1"], whole.volumes["t1c"]
    swapped = Study("s", {"t1": t1c, "t1c": t1})
    renamed = Study("s", {"t1": t1, "flair": t1c})
    assert len({digest(whole), digest(swapped), digest(renamed)}) == 3


# cohorts


@pytest.fixture
def cohort(tmp_path):
    """Three simulated cases: two with a bright lesion each, one tumor-free."""
    folder = tmp_path / "dev"
    rng = np.random.default_rng(1)
    for number in range(3):
        case = folder / f"case-{number}"
        tissue = cube(((8, 8, 8), 8, 3)) if number < 2 else cube()
        (case / "truth").mkdir(parents=True)
        for channel in ("t1n", "t1c", "t2w", "t2f"):
            data = rng.uniform(1, 50, tissue.shape).astype(np.float32)
            if channel == "t1c":
                data[tissue > 0] = 200
            nib.save(nib.Nifti1Image(data, LPS), case / f"case-{number}-{channel}.nii.gz")
        for name in ("segmentation", "instances"):
            values = tissue if name == "segmentation" else (tissue > 0).astype(np.uint8)
            nib.save(nib.Nifti1Image(values, LPS), case / f"truth/{name}.nii.gz")
        row = "1\tangiogenic\tno\tsimulation\n" if number < 2 else ""
        (case / "simulation.json").write_text("{}")
        (case / "truth/lesions.tsv").write_text("id\tmode\tmimicry\tsource\n" + row)
    return folder


@pytest.fixture
def runtime(monkeypatch):
    fake = FakeRuntime()
    monkeypatch.setattr(vasotype, "load", lambda *_: fake)
    return fake


def value(figures, metric, variant="all"):
    (found,) = [f for f in figures.figures if (f.metric, f.variant) == (metric, variant)]
    return found.value


def test_evaluation_gives_figures_with_their_provenance(cohort, runtime, tmp_path):
    steps = []
    options = Options(
        variants=("all", "t1c", "t1c:=t1"),
        progress=lambda done, total: steps.append((done, total)),
    )
    figures = evaluate([cohort], "fake", tmp_path / "out", options)
    assert steps == [(1, 3), (2, 3), (3, 3)]
    assert value(figures, "dice_tc") == 1.0
    assert value(figures, "both_empty_tc") == 1
    assert value(figures, "sensitivity, 10+ mm", "t1c") == 1.0
    assert value(figures, "false_positives_per_study_without_lesion") == 0.0
    assert value(figures, "enhancing_volume_left", "t1c:=t1") == 0.0
    assert figures.sha256 == MODEL.sha256
    assert Figures.read(tmp_path / "out/figures.json") == figures
    assert len((tmp_path / "out/studies.tsv").read_text().splitlines()) == 1 + 2 * 3


def test_simulated_figures_are_called_simulated_on_every_line(cohort, runtime, tmp_path):
    table = evaluate([cohort], "fake", tmp_path / "out").markdown()
    rows = [line for line in table.splitlines() if line.startswith("| dev")]
    assert rows
    assert all("(simulated)" in row for row in rows)


def test_an_interrupted_evaluation_goes_on_where_it_stopped(cohort, runtime, tmp_path):
    def stop(done, total):
        if done == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        evaluate([cohort], "fake", tmp_path / "out", Options(progress=stop))
    resumed = evaluate([cohort], "fake", tmp_path / "out")
    assert runtime.asked == 3
    assert resumed == evaluate([cohort], "fake", tmp_path / "elsewhere")


def test_a_refused_study_is_named_and_the_others_are_scored(cohort, runtime, tmp_path):
    plain = runtime.analyse

    def refuse_the_tumor_free(study):
        if not (study.volumes["t1c"].data > 100).any():
            raise StudyError("not-mr", "no")
        return plain(study)

    runtime.analyse = refuse_the_tumor_free
    figures = evaluate([cohort], "fake", tmp_path / "out")
    assert figures.cohorts[0].refused == ("case-2 (all): not-mr",)
    assert value(figures, "dice_tc") == 1.0
    assert "refused: case-2" in figures.markdown()


def test_a_slice_is_fixed_and_bears_its_size(cohort, runtime, tmp_path):
    first = evaluate([cohort], "fake", tmp_path / "a", Options(limit=2))
    second = evaluate([cohort], "fake", tmp_path / "b", Options(limit=2))
    assert first == second
    assert first.cohorts[0].name == "dev[2]"
    assert first.cohorts[0].studies == 2


def test_a_folder_without_labels_is_refused(runtime, tmp_path):
    (tmp_path / "empty").mkdir()
    with pytest.raises(StudyError) as error:
        evaluate([tmp_path / "empty"], "fake", tmp_path / "out")
    assert error.value.code == "truth-missing"


# figures


def scored_study(name, truth, answer):
    return score(labelled(truth, name=name), prediction(answer))


def figure(found, metric):
    (one,) = [f for f in found if f.metric == metric]
    return one


def test_sensitivity_is_told_by_size():
    truth = cube(((4, 4, 4), 2, 3), ((16, 16, 16), 8, 3))
    answer = cube(((16, 16, 16), 8, 3))
    found = detection_figures([scored_study("a", truth, answer)])
    assert figure(found, "sensitivity").value == 0.5
    assert figure(found, "sensitivity, <3 mm").value == 0.0
    assert figure(found, "sensitivity, 10+ mm").value == 1.0
    assert [f for f in found if f.metric == "sensitivity, 5-10 mm"] == []


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


def make_figure(value_, **changes):
    fields = {
        "cohort": "dev", "variant": "all", "metric": "dice_tc", "n": 9, "value": value_,
        "better": "higher", "tolerance": 0.02,
    }  # fmt: skip
    return Figure(**{**fields, **changes})


def make_figures(*figures, sha256="a" * 64, digest="d"):
    record = CohortRecord(name="dev", digest=digest, studies=9, simulated=True)
    return Figures(
        model="m",
        version="1",
        sha256=sha256,
        vasotype_version="0",
        command="c",
        cohorts=(record,),
        figures=figures,
    )


@pytest.mark.parametrize(
    ("better", "measured", "regresses"),
    [
        ("higher", 0.69, False),
        ("higher", 0.67, True),
        ("higher", 0.99, False),
        ("lower", 0.71, False),
        ("lower", 0.73, True),
        ("lower", 0.10, False),
        ("near", 0.73, True),
        ("near", 0.67, True),
    ],
)
def test_a_figure_regresses_when_it_is_worse_by_more_than_its_tolerance(
    better, measured, regresses
):
    recorded = make_figures(make_figure(0.70, better=better))
    found = compare(recorded, make_figures(make_figure(measured, better=better)))
    assert bool(found) is regresses


def test_a_figure_that_is_no_longer_measured_is_a_regression():
    (missing,) = compare(make_figures(make_figure(0.7)), make_figures())
    assert str(missing) == "dev, all, dice_tc: recorded 0.700, not measured"


def test_cohorts_that_were_not_evaluated_are_passed_over():
    recorded = make_figures(make_figure(0.7, cohort="test"))
    assert compare(recorded, make_figures()) == []


def test_figures_of_another_model_or_other_data_are_not_compared():
    recorded = make_figures(make_figure(0.7))
    with pytest.raises(ValueError, match="of model"):
        compare(recorded, make_figures(make_figure(0.7), sha256="b" * 64))
    with pytest.raises(ValueError, match="not the one"):
        compare(recorded, make_figures(make_figure(0.7), digest="e"))


def test_an_auroc_above_its_ceiling_raises_the_alarm():
    honest = make_figure(0.86, low=0.84, high=0.88, metric="auroc_angiogenic_co_option, structural")
    assert leaks([honest]) == []
    leaky = honest.model_copy(update={"low": CEILING["structural"] + 0.021})
    assert len(leaks([leaky])) == 1


# a brain without tumor, and the plain threshold


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


def test_the_threshold_detector_finds_what_brightens_and_no_dark_or_bright_rest():
    shape = (72, 72, 72)
    rng = np.random.default_rng(0)
    brain = np.linalg.norm(np.indices(shape) - 35.5, axis=0, keepdims=False) < 30
    t1 = np.where(brain, rng.normal(100, 8, shape), 0).astype(np.float32)
    t1c = np.where(brain, t1 + rng.normal(0, 3, shape), 0).astype(np.float32)
    t1c[30:36, 30:36, 30:36] += 60
    volumes = {c: Volume(v, Grid(shape, LPS)) for c, v in (("t1", t1), ("t1c", t1c))}
    nothing = prediction(np.zeros(shape, np.uint8))
    found = by_threshold(Study("s", volumes), nothing)
    assert (found.tissue[30:36, 30:36, 30:36] == 3).mean() > 0.9
    assert (found.tissue == 3).sum() < 400


def test_mistakes_are_the_missed_lesions_and_the_false_positives():
    truth = cube(((4, 4, 4), 6, 3), ((20, 20, 20), 3, 3))
    guess = cube(((4, 4, 4), 6, 3), ((4, 24, 24), 4, 3))
    found = mistakes(Path("folder"), score(labelled(truth), prediction(guess)))
    assert [m.diameter_mm is None for m in found] == [False, True]
    assert worst(found) == found
