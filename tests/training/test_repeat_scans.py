from dataclasses import replace

import numpy as np
import pytest
from vasotype.pipeline import load
from vasotype_training.calibrate import calibrate
from vasotype_training.repeat_scans import summarise


@pytest.fixture(scope="module")
def analyser(made_lesions):
    runtime = load("default", "cpu", 1)
    runtime.engine.calibration = calibrate(made_lesions(np.random.default_rng(0), 240), "by hand")
    return runtime


def noisier(lesion, name, factor):
    return replace(
        lesion,
        biomarkers=tuple(
            b.model_copy(update={"value": b.value * factor}) if b.name == name else b
            for b in lesion.biomarkers
        ),
    )


def test_what_a_second_scan_leaves_as_it_is_has_full_agreement(analyser, made_lesions):
    lesions = made_lesions(np.random.default_rng(1), 60)
    found = summarise([(x, x) for x in lesions], analyser, patients=10, found=60)
    assert set(found.same_leaning.values()) == {1.0}
    assert all(r.reliability.icc == pytest.approx(1) for r in found.repeated)
    assert "simulated" in found.markdown()


def test_a_number_that_a_second_scan_moves_stands_at_the_end(analyser, made_lesions):
    rng = np.random.default_rng(2)
    pairs = [
        (x, noisier(x, "sphericity", float(np.exp(rng.normal(0, 0.5)))))
        for x in made_lesions(rng, 60)
    ]
    rows = summarise(pairs, analyser, patients=10, found=61).markdown().splitlines()
    named = [row.split("`")[1] for row in rows if row.startswith("| `")]
    assert named.index("sphericity") > named.index("rcbv_mean")
    assert any("60 found in both scans" in row for row in rows)


def test_a_value_that_only_one_scan_gave_is_not_compared(analyser, made_lesions):
    whole = made_lesions(np.random.default_rng(3), 40)
    without = made_lesions(np.random.default_rng(3), 40, without=("border_width",))
    found = summarise(list(zip(whole, without, strict=True)), analyser, 7, 40)
    assert "border_width" not in {r.name for r in found.repeated}
