import numpy as np
import pytest
from vasotype.prepare.brain import find_foreground
from vasotype.stability.perturb import CHANGES, add_bias, add_noise, disturbed, shift_half_voxel
from vasotype.stability.report import AS_IT_IS, Reading, markdown, write_readings
from vasotype.stages import Study


@pytest.fixture(scope="module")
def brain(phantom, grid_of):
    return phantom(grid_of((70, 90, 70), (2.0, 2.0, 2.0)), "t1c")


def changed(volume, change, seed=0):
    return change(volume, find_foreground(volume), np.random.default_rng(seed))


@pytest.mark.parametrize("name", CHANGES)
def test_a_stripped_brain_stays_stripped(brain, name):
    before, after = find_foreground(brain), find_foreground(changed(brain, CHANGES[name]))
    assert after.stripped
    assert after.mask.sum() == pytest.approx(before.mask.sum(), rel=0.02)


@pytest.mark.parametrize("name", CHANGES)
def test_a_disturbance_is_small(brain, name):
    after = changed(brain, CHANGES[name])
    inside = (brain.data > 0) & (after.data > 0)
    relation = np.corrcoef(brain.data[inside], after.data[inside])[0, 1]
    assert 0.6 < relation < 0.9999


def test_noise_is_a_tenth_of_the_signal_s_spread(brain):
    inside = brain.data > 0
    low, high = np.percentile(brain.data[inside], (5, 95))
    noise = (changed(brain, add_noise).data - brain.data)[inside]
    assert noise.std() == pytest.approx(0.1 * (high - low) / 3.3, rel=0.05)


def test_shading_multiplies_what_lies_above_the_background(brain):
    inside = brain.data > 0
    gain = changed(brain, add_bias).data[inside] / brain.data[inside]
    assert np.log(gain).std() == pytest.approx(0.2, rel=0.05)
    assert np.log(gain).mean() == pytest.approx(0, abs=0.02)


def test_a_shifted_grid_shows_the_head_where_it_was(brain, marker_ras_mm):
    after = changed(brain, shift_half_voxel)
    for volume in (brain, after):
        bright = np.argwhere(volume.data > 700).mean(axis=0)
        place = volume.grid.affine[:3, :3] @ bright + volume.grid.affine[:3, 3]
        assert place == pytest.approx(marker_ras_mm, abs=0.3)
    assert not np.allclose(after.grid.affine, brain.grid.affine)


def test_every_structural_sequence_is_disturbed_on_its_own_and_no_map(brain):
    study = Study("x", {"t1": brain, "t1c": brain, "rcbv": brain})
    after = disturbed(study, add_noise, seed=3)
    assert after.volumes["rcbv"] is brain
    assert not np.array_equal(after.volumes["t1"].data, after.volumes["t1c"].data)
    again = disturbed(study, add_noise, seed=3)
    assert np.array_equal(again.volumes["t1"].data, after.volumes["t1"].data)


def reading(lesion, disturbance, p, abstained=False, novelty=1.0):
    first = (0.6, 0.3, 0.1)
    return Reading(
        study="patient7",
        lesion=lesion,
        disturbance=disturbance,
        found=True,
        longest_diameter_mm=12.0,
        core_ml=0.8,
        label=None if abstained else "angiogenic",
        p_angiogenic=p[0],
        p_intermediate=p[1],
        p_co_option=p[2],
        largest_change=max(abs(a - b) for a, b in zip(p, first, strict=True)),
        prediction_set="angiogenic",
        novelty=novelty,
        novelty_limit=5.0,
        abstained=abstained,
    )


def test_the_table_counts_what_held(tmp_path):
    readings = [
        reading(1, AS_IT_IS, (0.6, 0.3, 0.1)),
        reading(2, AS_IT_IS, (0.6, 0.3, 0.1)),
        reading(1, "noise", (0.4, 0.5, 0.1), novelty=2.5),
        Reading("patient7", 2, "noise", found=False),
        reading(0, "noise", (0.6, 0.3, 0.1)),
        reading(1, "bias field", (0.54, 0.36, 0.1)),
        reading(2, "bias field", (0.6, 0.3, 0.1), abstained=True, novelty=6.0),
        reading(1, "half-voxel shift", (0.6, 0.3, 0.1)),
        reading(2, "half-voxel shift", (0.6, 0.3, 0.1)),
    ]
    page = markdown(readings)
    assert "| noise | 1 of 2 | 1 | 0 of 1 | 1 of 1 | 0.20 (0.20) | 1.50 (1.50) |" in page
    assert "| bias field | 2 of 2 | 0 | 2 of 2 | 1 of 2 | 0.03 (0.06) | 2.50 (5.00) |" in page
    assert "(angiogenic 0.60); 6.0" in page
    assert "not found" in page
    write_readings(readings, tmp_path / "stability.tsv")
    lines = (tmp_path / "stability.tsv").read_text().splitlines()
    assert len(lines) == 1 + len(readings)
    assert lines[4].split("\t")[:4] == ["patient7", "2", "noise", "false"]
    assert set(lines[4].split("\t")[4:]) == {"n/a"}
