"""`vasotype perfusion`: from files with sidecars to maps with sidecars, or one clear line."""

import json

import nibabel as nib
import numpy as np
import pytest
from typer.testing import CliRunner
from vasotype.cli import app
from vasotype.findings import CATALOGUE
from vasotype.perfusion.aif import parker_blood, plasma_from_blood
from vasotype.perfusion.models import extended_tofts
from vasotype.perfusion.signal import spgr_signal

SHAPE = (14, 14, 12)
AFFINE = np.array([[-2.0, 0, 0, 30], [0, 2.0, 0, -20], [0, 0, 4.0, 5], [0, 0, 0, 1]])
TIMES_S = np.arange(40) * 2.0
BRAIN = np.zeros(SHAPE, np.uint8)
BRAIN[2:-2, 2:-2, 1:-1] = 1
WHITE = np.zeros(SHAPE, np.uint8)
WHITE[8:12, 3:11, 3:9] = 1
LESION = np.zeros(SHAPE, np.uint8)
LESION[3:7, 3:7, 3:7] = 1
BLOOD = parker_blood(TIMES_S, 20.0)
ANGLE_DEG, TR_S = 15.0, 0.005
DSC = {"EchoTime": 0.03, "RepetitionTime": 2.0, "FlipAngle": 60}
DCE = {
    "EchoTime": 0.002,
    "RepetitionTimeExcitation": TR_S,
    "FlipAngle": ANGLE_DEG,
    "FrameTimesStart": TIMES_S.tolist(),
}


def save(path, data, sidecar=None):
    image = nib.Nifti1Image(np.asarray(data, np.float32), AFFINE)
    image.header.set_xyzt_units("mm", "sec")
    nib.save(image, path)
    if sidecar is not None:
        path.with_name(path.name.replace(".nii.gz", ".json")).write_text(json.dumps(sidecar))
    return path


def noise(scale):
    return scale * np.random.default_rng(0).standard_normal((*SHAPE, len(TIMES_S)))


@pytest.fixture
def dsc(tmp_path):
    curves = (BRAIN + WHITE)[..., None] * 1.2 * BLOOD
    signal = 900.0 * BRAIN[..., None] * np.exp(-0.03 * curves) + noise(2) * BRAIN[..., None]
    return save(tmp_path / "dsc.nii.gz", signal, DSC)


@pytest.fixture
def dce(tmp_path):
    plasma = plasma_from_blood(BLOOD)
    leaking = [np.array([v]) for v in (0.15 / 60, 0.3, 0.05)]
    conc = 0.02 * plasma * BRAIN[..., None]
    conc[LESION > 0] = extended_tofts(plasma, TIMES_S, *leaking)[:, 0]
    signal = spgr_signal(9000.0, 1 / 1.4 + 4.5 * conc, TR_S, np.radians(ANGLE_DEG))
    return save(tmp_path / "dce.nii.gz", (signal + noise(1)) * BRAIN[..., None], DCE)


@pytest.fixture
def masks(tmp_path):
    given = {"brain": BRAIN, "white": WHITE, "lesions": LESION}
    return {name: save(tmp_path / f"{name}.nii.gz", data) for name, data in given.items()}


def call(*arguments):
    return CliRunner().invoke(app, ["perfusion", *(str(argument) for argument in arguments)])


def test_dsc_writes_maps_on_the_grid_of_the_series(dsc, masks, tmp_path):
    out = tmp_path / "maps"
    answer = call("--dsc", dsc, "--mask", masks["brain"], "--reference", masks["white"], "-o", out)
    assert answer.exit_code == 0, answer.output
    image = nib.load(out / "rcbv.nii.gz")
    np.testing.assert_allclose(image.get_sform(), AFFINE, atol=1e-5)
    np.testing.assert_allclose(image.get_qform(), AFFINE, atol=1e-5)
    assert np.median(image.get_fdata()[WHITE > 0]) == pytest.approx(1, abs=0.01)
    assert not image.get_fdata()[BRAIN == 0].any()
    about = json.loads((out / "k2.json").read_text())
    assert (about["OsipiQuantity"], about["OsipiModel"], about["Units"]) == (
        "Q.LC1.002",
        "M.LC1.001",
        "1/s",
    )
    assert json.loads((out / "rcbv.json").read_text())["Reference"].startswith("normal-appearing")
    assert (out / "rcbv_uncorrected.nii.gz").exists()


def test_dce_writes_ktrans_per_minute_and_volumes_per_hundred(dce, masks, tmp_path):
    table = tmp_path / "aif.tsv"
    rows = "".join(f"{t}\t{c}\n" for t, c in zip(TIMES_S, BLOOD, strict=True))
    table.write_text("time_s\tblood_mM\n" + rows)
    out = tmp_path / "maps"
    answer = call("--dce", dce, "--aif", table, "--lesions", masks["lesions"], "-o", out, "--json")
    assert answer.exit_code == 0, answer.output
    told = json.loads(answer.stdout)
    assert "ktrans.nii.gz" in told["maps"]
    assert [f["code"] for f in told["findings"]] == ["brain-mask-assumed", "t1-assumed"]
    inside = LESION > 0
    values = {
        name: nib.load(out / f"{name}.nii.gz").get_fdata()[inside]
        for name in ("ktrans", "ve", "vp")
    }
    assert np.median(values["ktrans"]) == pytest.approx(0.15, rel=0.1)
    assert np.median(values["ve"]) == pytest.approx(30, rel=0.1)
    assert np.median(values["vp"]) == pytest.approx(5, rel=0.1)
    about = json.loads((out / "ktrans.json").read_text())
    assert (about["OsipiQuantity"], about["Units"]) == ("Q.PH1.008", "1/min")
    assert set(about["DelaysSeconds"]) == {"0", "1"}


def test_flip_angles_measure_t1(dce, tmp_path):
    paths = [
        save(
            tmp_path / f"fa{angle}.nii.gz",
            np.full(SHAPE, spgr_signal(9000.0, 1 / 1.4, TR_S, np.radians(angle))),
            {"FlipAngle": angle, "RepetitionTime": TR_S},
        )
        for angle in (2, 12)
    ]
    out = tmp_path / "maps"
    answer = call("--dce", dce, "--vfa", paths[0], "--vfa", paths[1], "-o", out, "--json")
    codes = [f["code"] for f in json.loads(answer.stdout)["findings"]]
    assert codes == ["brain-mask-assumed", "aif-population"]
    r1 = nib.load(out / "r1.nii.gz").get_fdata()
    np.testing.assert_allclose(r1[BRAIN > 0], 1 / 1.4, rtol=1e-3)


def ktrans_in_lesion(dce, masks, out, *options):
    answer = call("--dce", dce, "--lesions", masks["lesions"], "-o", out, *options, "--json")
    assert answer.exit_code == 0, answer.output
    return np.median(nib.load(out / "ktrans.nii.gz").get_fdata()[LESION > 0])


def test_the_scale_of_dce_can_be_set(dce, masks, tmp_path):
    usual = ktrans_in_lesion(dce, masks, tmp_path / "usual")
    half = ktrans_in_lesion(dce, masks, tmp_path / "half", "--dose", 0.05)
    strong = ktrans_in_lesion(dce, masks, tmp_path / "strong", "--relaxivity", 9)
    thick = ktrans_in_lesion(dce, masks, tmp_path / "thick", "--hematocrit", 0.6)
    assert half == pytest.approx(2 * usual, rel=0.02)
    assert strong == pytest.approx(usual / 2, rel=0.02)
    assert thick == pytest.approx(usual * (1 - 0.6) / (1 - 0.42), rel=0.02)
    about = json.loads((tmp_path / "half" / "ktrans.json").read_text())
    assert about["DoseMillimolPerKilogram"] == 0.05
    assert about["RelaxivityPerSecondMillimolar"] == 4.5


def test_the_field_of_the_sidecar_chooses_the_assumed_t1(dce, tmp_path):
    for field, t1 in ((1.5, 1.12), (3, 1.4), (15000, 1.4)):
        change(dce, MagneticFieldStrength=field)
        out = tmp_path / f"at-{field}"
        call("--dce", dce, "-o", out)
        r1 = nib.load(out / "r1.nii.gz").get_fdata()[BRAIN > 0]
        assert np.median(r1) == pytest.approx(1 / t1, rel=1e-5)


def test_a_map_of_b1_is_a_share_of_the_nominal_angle(dce, tmp_path):
    share = save(tmp_path / "b1.nii.gz", np.full(SHAPE, 0.9))
    percent = save(tmp_path / "percent.nii.gz", np.full(SHAPE, 90.0))
    assert call("--dce", dce, "--b1", share, "-o", tmp_path / "maps").exit_code == 0
    assert error_of("--dce", dce, "--b1", percent, "-o", tmp_path / "other") == "b1-unusable"


def change(path, **values):
    """Rewrite the sidecar of an image; None takes a key out."""
    sidecar = path.with_name(path.name.replace(".nii.gz", ".json"))
    content = json.loads(sidecar.read_text()) | values
    sidecar.write_text(json.dumps({k: v for k, v in content.items() if v is not None}))


@pytest.mark.parametrize(
    ("values", "code", "word"),
    [
        ({"FlipAngle": None}, "series-parameter", "FlipAngle"),
        ({"RepetitionTimeExcitation": None}, "series-parameter", "RepetitionTimeExcitation"),
        ({"EchoTime": 2.4}, "series-parameter", "EchoTime"),
        ({"FrameTimesStart": TIMES_S[::-1].tolist()}, "series-times", "volume 1"),
        ({"FrameTimesStart": TIMES_S[:-3].tolist()}, "series-times", "37 times, 40 volumes"),
        ({"FrameTimesStart": ["a"]}, "series-times", "numbers"),
    ],
)
def test_a_sidecar_that_misses_or_mistakes_a_value_is_named(dce, tmp_path, values, code, word):
    change(dce, **values)
    out = tmp_path / "maps"
    answer = call("--dce", dce, "-o", out, "--json")
    assert answer.exit_code == 2
    error = json.loads(answer.stdout)["error"]
    assert error["code"] == code
    assert word in error["message"]
    assert "dce.nii.gz" in error["message"]
    assert not out.exists()


def error_of(*arguments):
    answer = call(*arguments, "--json")
    assert answer.exit_code == 2
    code = json.loads(answer.stdout)["error"]["code"]
    assert code in CATALOGUE
    return code


def test_wrong_files_are_refused(dsc, dce, masks, tmp_path):
    out = ("-o", tmp_path / "maps")
    other = save(tmp_path / "other.nii.gz", np.ones((14, 14, 11)))
    bare = save(tmp_path / "bare.nii.gz", nib.load(dsc).get_fdata())
    table = tmp_path / "aif.tsv"
    table.write_text("time\tmM\n0\t1\n")
    assert error_of(*out) == "perfusion-input"
    assert error_of("--dsc", dsc, "--dce", dce, *out) == "perfusion-input"
    assert error_of("--dsc", dsc, "--vfa", dce, *out) == "perfusion-input"
    assert error_of("--dsc", dsc, "--dose", 0.05, *out) == "perfusion-input"
    assert error_of("--dsc", tmp_path / "none.nii.gz", *out) == "file-missing"
    assert error_of("--dsc", bare, *out) == "sidecar-missing"
    assert error_of("--dsc", masks["brain"], *out) == "series-not-4d"
    assert error_of("--dsc", dsc, "--mask", other, *out) == "perfusion-grid"
    assert error_of("--dsc", dsc, "--aif", table, *out) == "aif-table"
    assert error_of("--dce", dce, "--vfa", dce, *out) == "not-three-dimensional"
    assert error_of("--dce", dce, "--vfa", other, *out) == "perfusion-grid"


def test_nothing_that_lies_there_is_replaced(dsc, tmp_path):
    out = tmp_path / "maps"
    out.mkdir()
    (out / "note.txt").write_text("mine")
    assert error_of("--dsc", dsc, "-o", out) == "output-exists"
    assert [path.name for path in out.iterdir()] == ["note.txt"]
