"""Independent readers and validators agree with what we wrote: dicom3tools, dcmqi, DCMTK."""

import json
import re
from itertools import product

import nibabel as nib
import numpy as np
import pytest
from dicom_validators import ALLOWED, ALLOWED_LABELMAP, errors, output_of

CASES = [(o, k, "binary") for o, k in product(("axial", "oblique"), ("classic", "enhanced"))]
CASES += [("coronal", "classic", "fractional"), ("sagittal", "enhanced", "labelmap")]


@pytest.mark.parametrize(("orientation", "kind", "seg"), CASES)
def test_dciodvfy_finds_no_error(results_of, tool, orientation, kind, seg):
    results = results_of(orientation, kind, seg=seg, sr_phenotype=True)
    for name in results.names:
        allowed = ALLOWED + (ALLOWED_LABELMAP if seg == "labelmap" else ())
        text = output_of(tool("dciodvfy"), results.folder / f"{name}.dcm")
        assert errors(text, allowed) == [], name


def test_dciodvfy_finds_no_error_where_there_is_no_lesion(results_of, tool):
    results = results_of("axial", "classic", lesions=False)
    for name in results.names:
        assert errors(output_of(tool("dciodvfy"), results.folder / f"{name}.dcm"), ALLOWED) == []


@pytest.mark.parametrize("kind", ["classic", "enhanced"])
def test_dcentvfy_finds_results_and_source_consistent(results_of, tool, kind):
    results = results_of("axial", kind, sr_phenotype=True)
    files = [*results.folder.iterdir(), *results.sources.iterdir()]
    assert errors(output_of(tool("dcentvfy"), *files), ()) == []


@pytest.mark.parametrize(("orientation", "kind", "seg"), CASES)
def test_dcmqi_reads_the_same_masks_in_the_same_place(
    results_of, tool, tmp_path, orientation, kind, seg
):
    results = results_of(orientation, kind, seg=seg, sr_phenotype=True)
    lesions, grid = results.analysis.lesions, results.analysis.prepared.native.grid
    for name, labels in (
        ("tissues", lesions.native_tissue),
        ("lesions", lesions.native_instances),
    ):
        home = tmp_path / name
        home.mkdir()
        output_of(
            tool("segimage2itkimage"), "--inputDICOM", results.folder / f"{name}-seg.dcm",
            "--outputDirectory", home, "--outputType", "nii",
        )  # fmt: skip
        found = set()
        for path in home.glob("*.nii*"):
            image = nib.load(path)
            array = np.asarray(image.dataobj)
            number = int(re.search(r"(\d+)", path.name).group(1))
            for value in set(np.unique(array)) - {0}:
                label = int(value) if seg == "labelmap" else number
                mask = array == value if seg != "fractional" else array > 127
                wanted = labels == label
                assert places(mask, image.affine) == places(wanted, grid.affine)
                found.add(label)
        assert found == set(np.unique(labels)) - {0}


def places(mask, affine):
    index = np.argwhere(mask)
    return set(map(tuple, np.round(index @ affine[:3, :3].T + affine[:3, 3], 1) + 0.0))


def test_dcmqi_reads_the_same_numbers(results_of, tool, tmp_path):
    results = results_of("oblique", "classic", seg="binary", sr_phenotype=True)
    path = tmp_path / "report.json"
    output_of(
        tool("tid1500reader"), "--inputDICOM", results.folder / "measurements-sr.dcm",
        "--outputMetadata", path,
    )  # fmt: skip
    groups = json.loads(path.read_text())["Measurements"]
    volumes = {
        group["TrackingIdentifier"]: float(item["value"])
        for group in groups
        for item in group["measurementItems"]
        if item["quantity"]["CodeValue"] == "118565006"
    }
    voxel_mm3 = 1000 * results.analysis.prepared.native.grid.voxel_ml
    counts = np.bincount(results.analysis.lesions.native_instances.ravel())
    assert volumes == {
        "BM-001": pytest.approx(counts[1] * voxel_mm3, abs=1e-3),
        "BM-002": pytest.approx(counts[2] * voxel_mm3, abs=1e-3),
    }


def test_dcmtk_reads_the_same_numbers(results_of, tool):
    results = results_of("oblique", "classic", seg="binary", sr_phenotype=True)
    text = output_of(tool("dsrdump"), results.folder / "measurements-sr.dcm")
    longest = [float(v) for v in re.findall(r'"Long axis"\)="([\d.]+)" \(mm,', text)]
    assert longest == [
        pytest.approx(lesion.longest_diameter_mm, abs=1e-3)
        for lesion in results.analysis.result.lesions
    ]
    assert "PRELIMINARY" in text
    assert "UNVERIFIED" in text


def test_dcmtk_reads_the_same_masks(results_of, tool, tmp_path):
    results = results_of("oblique", "classic", seg="binary", sr_phenotype=True)
    output_of(tool("dcmdump"), "+W", tmp_path, results.folder / "lesions-seg.dcm")
    [raw] = tmp_path.iterdir()
    header = results.read("lesions-seg")
    shape = int(header.NumberOfFrames), header.Rows, header.Columns
    bits = np.unpackbits(np.fromfile(raw, np.uint8), bitorder="little")
    frames = bits[: int(np.prod(shape))].reshape(shape)
    counts = {}
    for group, frame in zip(header.PerFrameFunctionalGroupsSequence, frames, strict=True):
        number = group.SegmentIdentificationSequence[0].ReferencedSegmentNumber
        counts[number] = counts.get(number, 0) + int(frame.sum())
    assert counts == {
        n: int((results.analysis.lesions.native_instances == n).sum()) for n in (1, 2)
    }


def test_dcmtk_finds_the_pdf(results_of, tool):
    results = results_of("axial", "classic")
    text = output_of(tool("dcmdump"), results.folder / "report-pdf.dcm")
    assert "=EncapsulatedPDFStorage" in text
    assert "application/pdf" in text
