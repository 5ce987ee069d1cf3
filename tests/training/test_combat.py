import csv

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner
from vasotype.cli import app
from vasotype.findings import StudyError
from vasotype_training.combat import Combat, fit_combat
from vasotype_training.harmonise import (
    Columns,
    apply_rows,
    fit_rows,
    read_combat,
    read_rows,
    stable_features,
    write_rows,
)
from vasotype_training.reliability import Reliability
from vasotype_training.repeat_scans import Repeated, Stability

FEATURES = tuple(f"f{n}" for n in range(8))


def scanners(rng, rows=60, shift=2.0, scale=2.0, effect=1.5):
    """Two scanners, the second shifted and scaled, and a covariate that acts at both."""
    sites = np.array(["A", "B"]).repeat(rows)
    age = rng.normal(0, 1, (2 * rows, 1))
    biology = rng.normal(0, 1, (2 * rows, len(FEATURES))) + effect * age
    second = (sites == "B")[:, None]
    return np.where(second, shift + scale * (biology - effect * age) + effect * age, biology), (
        sites.tolist(),
        age,
    )


def test_shift_and_scale_of_a_scanner_are_taken_out():
    values, (sites, age) = scanners(np.random.default_rng(0), rows=300)
    combat = fit_combat(values, sites, age, FEATURES, ("age",))
    even = combat.apply(values, sites, age)
    expected = age @ np.array(combat.effects)
    first, second = (even - expected)[:300], (even - expected)[300:]
    assert first.mean(axis=0) == pytest.approx(second.mean(axis=0), abs=0.25)
    assert first.std(axis=0) == pytest.approx(second.std(axis=0), rel=0.1)


def test_the_effect_of_a_preserved_covariate_stays():
    rng = np.random.default_rng(1)
    values, (sites, age) = scanners(rng, rows=300)
    even = fit_combat(values, sites, age, FEATURES, ("age",)).apply(values, sites, age)
    slopes = [np.polyfit(age[:, 0], column, 1)[0] for column in even.T]
    assert slopes == pytest.approx([1.5] * len(FEATURES), abs=0.2)


def test_biology_that_differs_between_sites_is_kept_only_as_a_covariate():
    rng = np.random.default_rng(2)
    sites = ["A"] * 200 + ["B"] * 200
    old = np.concatenate([rng.random(200) < 0.2, rng.random(200) < 0.8]).astype(float)[:, None]
    values = rng.normal(0, 1, (400, 4)) + 2 * old
    known = fit_combat(values, sites, old, FEATURES[:4], ("old",)).apply(values, sites, old)
    gap = known[old[:, 0] > 0].mean() - known[old[:, 0] == 0].mean()
    assert gap == pytest.approx(2.0, abs=0.2)
    nothing = np.zeros((400, 0))
    blind = fit_combat(values, sites, nothing, FEATURES[:4]).apply(values, sites, nothing)
    assert blind[old[:, 0] > 0].mean() - blind[old[:, 0] == 0].mean() < gap - 0.2


def test_few_rows_are_drawn_towards_what_the_features_share():
    rng = np.random.default_rng(3)
    values, (sites, age) = scanners(rng, rows=4)
    combat = fit_combat(values, sites, age, FEATURES, ("age",))
    z = (values - np.array(combat.mean) - age @ np.array(combat.effects)) / np.array(
        combat.deviation
    )
    own = z[4:].mean(axis=0)
    assert np.std(combat.sites["B"].shift) < np.std(own)


@settings(max_examples=25, deadline=None)
@given(gain=st.floats(0.1, 50), offset=st.floats(-100, 100), seed=st.integers(0, 1000))
def test_a_change_of_unit_changes_nothing_but_the_unit(gain, offset, seed):
    values, (sites, age) = scanners(np.random.default_rng(seed), rows=10)
    plain = fit_combat(values, sites, age, FEATURES, ("age",)).apply(values, sites, age)
    moved = gain * values + offset
    other = fit_combat(moved, sites, age, FEATURES, ("age",)).apply(moved, sites, age)
    assert (other - offset) / gain == pytest.approx(plain, abs=1e-5)


def test_a_fit_survives_its_file():
    values, (sites, age) = scanners(np.random.default_rng(4))
    combat = fit_combat(values, sites, age, FEATURES, ("age",))
    assert Combat.model_validate_json(combat.model_dump_json()) == combat


def test_a_scanner_that_was_never_fitted_is_refused():
    values, (sites, age) = scanners(np.random.default_rng(5))
    combat = fit_combat(values, sites, age, FEATURES, ("age",))
    with pytest.raises(ValueError, match="site C"):
        combat.apply(values[:1], ["C"], age[:1])


def test_a_covariate_that_the_site_determines_is_refused():
    values, (sites, _) = scanners(np.random.default_rng(6))
    confounded = np.array([[float(site == "B")] for site in sites])
    with pytest.raises(ValueError, match="follow from the site"):
        fit_combat(values, sites, confounded, FEATURES, ("old",))


@pytest.fixture
def table(tmp_path):
    rng = np.random.default_rng(7)
    path = tmp_path / "lesions.tsv"
    with path.open("w", newline="") as stream:
        writer = csv.writer(stream, delimiter="\t")
        writer.writerow(["id", "site", "rcbv_mean", "edema_ratio"])
        for n in range(30):
            site = "ABC"[n % 3]
            writer.writerow([n, site, rng.normal(3 + (site == "B"), 0.5), rng.normal(2, 1)])
        writer.writerow([99, "A", "n/a", 2.0])
    return path


COLUMNS = Columns("site", ("rcbv_mean", "edema_ratio"))
SITES = ("A", "B", "C")


def test_a_row_without_a_value_stays_as_it_was(table):
    rows = read_rows(table)
    even = apply_rows(rows, COLUMNS, fit_rows(rows, COLUMNS, SITES))
    assert even[-1]["harmonised"] == "false"
    assert even[-1]["rcbv_mean"] == "n/a"
    assert all(row["harmonised"] == "true" for row in even[:-1])
    assert [row["id"] for row in even] == [row["id"] for row in rows]


def test_rows_of_a_test_site_do_not_shape_the_fit(table):
    rows = read_rows(table)
    combat = fit_rows(rows, COLUMNS, ("A", "B"))
    changed = [{**row, "rcbv_mean": "50"} if row["site"] == "C" else row for row in rows]
    assert fit_rows(changed, COLUMNS, ("A", "B")) == combat
    with pytest.raises(StudyError, match="site C"):
        apply_rows(rows, COLUMNS, combat)


@pytest.mark.parametrize(
    ("sites", "said"), [((), "--training-site"), (("A", "B", "Z"), "no row of site Z")]
)
def test_only_named_sites_that_are_there_can_shape_a_fit(table, sites, said):
    with pytest.raises(StudyError, match=said):
        fit_rows(read_rows(table), COLUMNS, sites)


def melanoma_rows():
    """Two sites, one with many melanomas, whose blood volume is higher by 2 at both."""
    rng = np.random.default_rng(8)
    rows = []
    for site, share, shift in (("A", 0.2, 0.0), ("B", 0.8, 1.0)):
        for _ in range(200):
            primary = "melanoma" if rng.random() < share else "Lung"
            rcbv = 3 + shift + 2 * (primary == "melanoma") + rng.normal(0, 0.3)
            rows.append({"site": site, "primary": primary, "rcbv_mean": str(rcbv)})
    return rows


PRIMARY = Columns("site", ("rcbv_mean",), categories=("primary",))


def test_the_primary_tumor_s_effect_is_preserved_and_the_scanner_s_is_not():
    rows = melanoma_rows()
    even = apply_rows(rows, PRIMARY, fit_rows(rows, PRIMARY, ("A", "B")))
    mean = {
        (site, primary): np.mean(
            [float(r["rcbv_mean"]) for r in even if (r["site"], r["primary"]) == (site, primary)]
        )
        for site in "AB"
        for primary in ("Lung", "melanoma")
    }
    for site in "AB":
        assert mean[site, "melanoma"] - mean[site, "Lung"] == pytest.approx(2.0, abs=0.15)
    assert mean["A", "Lung"] == pytest.approx(mean["B", "Lung"], abs=0.15)


def test_a_kept_fit_knows_its_words_and_leaves_rows_with_others_alone():
    rows = melanoma_rows()
    combat = fit_rows(rows, PRIMARY, ("A", "B"))
    kept = Combat.model_validate_json(combat.model_dump_json())
    assert kept == combat
    assert kept.covariates == ("primary=melanoma",)
    assert Columns.of(kept, "site") == PRIMARY
    new = [{**rows[0], "primary": word} for word in ("LUNG ", "renal", "n/a")]
    even = apply_rows(new, Columns.of(kept, "site"), kept)
    assert [row["harmonised"] for row in even] == ["true", "false", "false"]


def test_a_category_of_one_word_is_refused():
    rows = [{**row, "primary": "lung"} for row in melanoma_rows()]
    with pytest.raises(StudyError, match="primary: one word alone"):
        fit_rows(rows, PRIMARY, ("A", "B"))


@pytest.fixture
def repeated(tmp_path):
    """The table that repeated simulated scans leave behind."""
    found = [
        Repeated(name, unit, Reliability(40, icc, icc - 0.1, icc + 0.05, 0.2, None))
        for name, unit, icc in (
            ("rcbv_mean", "of white matter", 0.9),
            ("edema_ratio", "1", 0.6),
            ("ktrans_tumor_mean", "1/min", -0.02),
        )
    ]
    path = tmp_path / "stability.md"
    path.write_text(Stability(20, 50, 40, {"both": 0.9}, tuple(found)).markdown(), "utf-8")
    return path


ALL = ("edema_ratio", "rcbv_mean", "ktrans_tumor_mean", "never_measured")


@pytest.mark.parametrize(
    ("least", "stable"), [(0.75, ("rcbv_mean",)), (0.5, ("edema_ratio", "rcbv_mean"))]
)
def test_features_that_repeated_scans_move_are_left_out(repeated, least, stable):
    assert stable_features(ALL, repeated, least) == stable


def test_nothing_stable_and_no_table_of_stability_are_refused(repeated, table):
    with pytest.raises(StudyError, match=r"ICC of 0\.95"):
        stable_features(ALL, repeated, 0.95)
    with pytest.raises(StudyError, match="no ICC in it"):
        stable_features(ALL, table, 0.75)


def test_the_command_fits_stable_features_of_training_sites_alone(table, repeated, tmp_path):
    out, kept = tmp_path / "even.tsv", tmp_path / "combat.json"
    words = ["harmonise", str(table), "-o", str(out), "-f", "rcbv_mean", "-f", "edema_ratio"]
    refused = CliRunner().invoke(app, words)
    assert refused.exit_code == 2
    assert "--training-site" in refused.output
    words += ["--training-site", "A", "--training-site", "B"]
    done = CliRunner().invoke(app, [*words, "--stability", str(repeated), "--keep", str(kept)])
    assert done.exit_code == 0, done.output
    assert "not stable: edema_ratio" in done.output
    assert "not a training site: C" in done.output
    before = {row["id"]: row for row in read_rows(table)}
    after = read_rows(out)
    assert all(row["edema_ratio"] == before[row["id"]]["edema_ratio"] for row in after)
    assert read_combat(kept).features == ("rcbv_mean",)


def test_a_missing_column_is_named(table):
    with pytest.raises(StudyError, match="no column scanner"):
        fit_rows(read_rows(table), Columns("scanner", ("rcbv_mean",)), SITES)


def test_harmonised_rows_are_written_as_they_are(table, tmp_path):
    rows = read_rows(table)
    even = apply_rows(rows, COLUMNS, fit_rows(rows, COLUMNS, SITES))
    write_rows(even, tmp_path / "even.tsv")
    assert read_rows(tmp_path / "even.tsv") == even


def test_the_numbers_are_those_of_neurocombat():
    """Rows 0, 5 and 11 as neuroCombat 0.2.12 (J.-P. Fortin) gives them for this table."""
    sites = ["A"] * 5 + ["B"] * 7
    age = np.array([[float((7 * n) % 5)] for n in range(12)])
    values = np.array(
        [
            [
                np.sin(1.3 * n * (v + 1)) + 0.4 * v + (1.5 + 0.3 * v) * (n >= 5) + 0.2 * age[n, 0]
                for v in range(4)
            ]
            for n in range(12)
        ]
    )
    even = fit_combat(values, sites, age, FEATURES[:4], ("age",)).apply(values, sites, age)
    expected = [
        [1.171974, 1.479208, 2.115455, 2.625],
        [0.845905, 1.941426, 2.511165, 3.387116],
        [1.994253, 1.601259, 1.493961, 3.625957],
    ]
    assert even[[0, 5, 11]] == pytest.approx(np.array(expected), abs=1e-6)
