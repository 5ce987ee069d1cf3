"""The reference tables of OSIPI's DCE-DSC code collection, with tolerances tighter than its own."""

import csv
from itertools import groupby

import numpy as np
import pytest
from vasotype.perfusion.aif import parker_blood
from vasotype.perfusion.deconvolution import relative_flow
from vasotype.perfusion.delay import estimate_delay, shifted
from vasotype.perfusion.fit import fit_extended_tofts, fit_patlak, fit_tofts
from vasotype.perfusion.signal import SpoiledGradientEcho, delta_r2star, spgr_concentration
from vasotype.perfusion.t1 import r1_linear, r1_nonlinear

pytestmark = pytest.mark.real_data


@pytest.fixture(scope="module")
def table(real_data):
    def read(name):
        path = real_data / "perfusion" / "osipi" / name
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = list(csv.DictReader(file))
        assert rows
        return rows

    return read


def array(cell):
    return np.array(cell.split(), dtype=np.float64)


def curves(row, tissue="C", artery="ca"):
    return array(row["t"]), array(row[tissue]), array(row[artery])


def test_signal_becomes_concentration_to_nine_digits(table):
    for row in table("SI2Conc_data.csv"):
        sequence = SpoiledGradientEcho(float(row["TR"]), float(row["FA"]), float(row["r1"]))
        r10 = np.array(1 / float(row["T1base"]))
        found = spgr_concentration(array(row["s"]), int(row["numbaselinepts"]), r10, sequence)
        np.testing.assert_allclose(found, array(row["conc"]), atol=1e-9, rtol=1e-9)


@pytest.mark.parametrize(
    ("name", "unit"), [("t1_brain_data.csv", 1.0), ("t1_quiba_data.csv", 1000.0)]
)
def test_r1_from_flip_angles_is_the_reference(table, name, unit):
    for row in table(name):
        signal, angles = array(row["s"])[:, None], np.radians(array(row["FA"]))
        time, true = array(row["TR"])[0], float(row["R1"]) * unit
        linear, refined = (f(signal, angles, time)[0] for f in (r1_linear, r1_nonlinear))
        assert linear == pytest.approx(true, abs=0.05 + 0.05 * true)
        tight = 1e-3 if unit == 1.0 else 0.05 + 0.05 * true
        assert refined == pytest.approx(true, abs=tight)


@pytest.mark.parametrize("name", ["ParkerAIF_ref.csv", "ParkerAIF_ref_with_delay.csv"])
def test_the_population_input_is_parkers(table, name):
    rows = table(name)
    times = np.array([float(row["time"]) * 60 for row in rows])
    delays = np.array([float(row["delay"].rstrip("s")) for row in rows])
    found = parker_blood(times - delays)
    np.testing.assert_allclose(found, [float(row["Cb"]) for row in rows], atol=1e-9)


def tolerance_of(row):
    """Share of Ktrans, ve and vp that may be wrong, by the noise of the row."""
    if row["label"].endswith("highSNR"):
        return 0.005, 0.002, 0.001
    return 0.05, 0.005, 0.002


def test_tofts_finds_ktrans_and_ve(table):
    for row in table("dce_DRO_data_tofts.csv"):
        times, tissue, plasma = curves(row)
        fit = fit_tofts(tissue[None], plasma, times)
        share, ve, _ = tolerance_of(row)
        assert fit.ktrans_per_min[0] == pytest.approx(float(row["Ktrans"]), rel=share)
        assert fit.ve[0] == pytest.approx(float(row["ve"]), abs=ve)


def test_extended_tofts_finds_ktrans_ve_and_vp(table):
    for row in table("dce_DRO_data_extended_tofts.csv"):
        times, tissue, plasma = curves(row)
        fit = fit_extended_tofts(tissue[None], plasma, times)
        share, ve, vp = tolerance_of(row)
        assert fit.ktrans_per_min[0] == pytest.approx(float(row["Ktrans"]), rel=share)
        assert fit.ve[0] == pytest.approx(float(row["ve"]), abs=ve)
        assert fit.vp[0] == pytest.approx(float(row["vp"]), abs=vp)


def test_patlak_finds_ps_and_vp(table):
    for row in table("patlak_sd_0.02_delay_0.csv"):
        times, tissue, plasma = curves(row, "C_t", "cp_aif")
        fit = fit_patlak(tissue[None], plasma, times)
        assert fit.ktrans_per_min[0] == pytest.approx(float(row["ps"]), abs=0.001)
        assert fit.vp[0] == pytest.approx(float(row["vp"]), abs=0.004)


@pytest.mark.parametrize(
    ("name", "with_plasma"),
    [("dce_DRO_data_tofts.csv", False), ("dce_DRO_data_extended_tofts.csv", True)],
)
def test_a_late_bolus_is_found_within_a_second(table, name, with_plasma):
    """As in the collection's own delayed cases, the tissue curve comes 5 s later, or on time."""
    fit_model = fit_extended_tofts if with_plasma else fit_tofts
    for _, rows in groupby(table(name), lambda row: row["ca"]):
        rows = list(rows)
        times, _, plasma = curves(rows[0])
        late = [shifted(array(row["C"]), times, d) for d in (0.0, 5.0) for row in rows]
        found = estimate_delay(np.stack(late), plasma, times, with_plasma=with_plasma)
        np.testing.assert_allclose(found, np.repeat([0.0, 5.0], len(rows)), atol=1)
        for row, curve, delay in zip(rows, late[len(rows) :], found[len(rows) :], strict=True):
            fit = fit_model(curve[None], shifted(plasma, times, delay), times)
            assert fit.ktrans_per_min[0] == pytest.approx(float(row["Ktrans"]), abs=0.005, rel=0.1)
            assert fit.ve[0] == pytest.approx(float(row["ve"]), abs=0.05)


def test_a_late_bolus_is_found_where_nothing_returns(table):
    for row in table("patlak_sd_0.02_delay_5.csv"):
        times, tissue, plasma = curves(row, "C_t", "cp_aif")
        [found] = estimate_delay(tissue[None], plasma, times)
        assert found == pytest.approx(5, abs=1)
        fit = fit_patlak(tissue[None], shifted(plasma, times, found), times)
        assert fit.ktrans_per_min[0] == pytest.approx(float(row["ps"]), abs=0.001)
        assert fit.vp[0] == pytest.approx(float(row["vp"]), abs=0.004)


def test_blood_volume_and_flow_of_dsc(table):
    for row in table("dsc_data.csv"):
        tissue, artery, step = array(row["C_tis"]), array(row["C_aif"]), float(row["tr"])
        flow = 60 * 100 * relative_flow(tissue[None], artery, step)[0]
        volume = 100 * tissue.sum() / artery.sum()
        assert flow == pytest.approx(float(row["cbf"]), abs=15 + 0.1 * float(row["cbf"]))
        assert volume == pytest.approx(float(row["cbv"]), abs=1 + 0.1 * float(row["cbv"]))


def test_the_qiba_phantom_gives_its_parameters_from_signals(real_data):
    """From noise-free signals: columns of ve, rows of Ktrans, as QIBA's phantom (v6) has them."""
    phantom = np.load(real_data / "perfusion" / "qiba_dro" / "qiba_v6_noisefree.npz")
    times, plasma = phantom["t"].ravel(), phantom["Cp"].ravel()
    sequence = SpoiledGradientEcho(0.005, float(phantom["DCEflip"].item()))
    signal = phantom["DCEdata"].reshape(len(times), -1).T
    conc = spgr_concentration(signal, 100, phantom["R10"].ravel(), sequence)
    fit = fit_tofts(conc, plasma, times)
    ktrans = np.repeat([0.01, 0.02, 0.05, 0.1, 0.2, 0.35], 5)
    np.testing.assert_allclose(fit.ktrans_per_min, ktrans, rtol=5e-3)
    np.testing.assert_allclose(fit.ve, np.tile([0.01, 0.05, 0.1, 0.2, 0.5], 6), rtol=5e-3)


def test_flow_of_a_simulated_series_by_others_is_in_the_right_ratio(real_data):
    """Half of the voxels have a flow of 60, half of 30 mL/100 mL/min; signal-to-noise is 20."""
    path = real_data / "perfusion" / "dsc_dro" / "bezier_exp_cbf60_30.npz"
    phantom = np.load(path)
    tissue = delta_r2star(phantom["signal_x100"].reshape(2, -1, 161) / 100, 10, 0.03)
    artery = delta_r2star(phantom["aif_signal"].astype(np.float64), 10, 0.03)
    fast, slow = (np.nanmedian(relative_flow(half, artery, 1.243)) for half in tissue)
    assert fast / slow == pytest.approx(2, rel=0.1)
