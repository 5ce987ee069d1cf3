"""DICOM results say where lesions are and how large, in terms of the series they came from."""

from dataclasses import replace

import highdicom as hd
import numpy as np
import pydicom
import pytest
from highdicom.sr import srread
from pydicom.dataset import Dataset
from vasotype.outputs import OutputOptions
from vasotype.outputs.dicom import codes, write_dicom
from vasotype.outputs.dicom.case import DicomCase
from vasotype.outputs.dicom.contours import slice_contours
from vasotype.result import FindingRecord, Input
from vasotype.study.dicom import read_series

ORIENTATIONS = ("axial", "sagittal", "coronal", "oblique")
KINDS = ("classic", "enhanced")
ALL = {
    "key-images-ko", "lesions-rtstruct", "lesions-seg", "measurements-sr", "report-pdf",
    "tissues-seg",
}  # fmt: skip
LPS = np.diag([-1.0, -1.0, 1.0, 1.0])


def positions(mask, affine):
    """Rounded LPS positions of a mask's voxels, as a set."""
    index = np.argwhere(mask)
    return set(map(tuple, np.round(index @ affine[:3, :3].T + affine[:3, 3], 2)))


def truth(results, labels, label):
    return positions(labels == label, LPS @ results.analysis.prepared.native.grid.affine)


def segments(path):
    """Segment number -> LPS positions of its voxels, as highdicom reads them."""
    volume = hd.seg.segread(path).get_volume(combine_segments=True)
    array = volume.array
    return {n: positions(array == n, volume.affine) for n in np.unique(array) if n}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("orientation", ORIENTATIONS)
def test_segments_lie_where_the_phantom_is(results_of, orientation, kind):
    results = results_of(orientation, kind)
    lesions = results.analysis.lesions
    assert set(results.names) == ALL
    assert results.findings == ()
    tissues = segments(results.folder / "tissues-seg.dcm")
    assert tissues == {n: truth(results, lesions.native_tissue, n) for n in (1, 2, 3)}
    one_by_one = segments(results.folder / "lesions-seg.dcm")
    assert one_by_one == {n: truth(results, lesions.native_instances, n) for n in (1, 2)}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("orientation", ORIENTATIONS)
def test_contours_hold_exactly_the_voxels_of_a_lesion(results_of, orientation, kind):
    results = results_of(orientation, kind)
    grid = results.analysis.prepared.native.grid
    structures = results.read("lesions-rtstruct")
    to_index = np.linalg.inv(LPS @ grid.affine)
    names = [roi.ROIName for roi in structures.StructureSetROISequence]
    assert names == ["BM-001 core", "BM-001 non-enhancing", "BM-002 core"]
    wanted = [
        results.analysis.lesions.native_instances == 1,
        (results.analysis.lesions.native_tissue == 1),
        results.analysis.lesions.native_instances == 2,
    ]
    for roi, mask in zip(structures.ROIContourSequence, wanted, strict=True):
        found = np.zeros(grid.shape, bool)
        for contour in roi.ContourSequence:
            points = np.reshape(contour.ContourData, (-1, 3)).astype(float)
            index = points @ to_index[:3, :3].T + to_index[:3, 3]
            z = int(np.rint(index[0, 2]))
            assert np.allclose(index[:, 2], z, atol=1e-3)
            found[:, :, z] ^= inside(index[:, :2], grid.shape[:2])
        assert np.array_equal(found, mask)


def inside(ring, shape):
    """Voxels whose centres lie in a ring: a line from each crosses it an odd number of times."""
    x, y = np.indices(shape)[..., None]
    (x1, y1), (x2, y2) = ring.T, np.roll(ring, -1, axis=0).T
    rising = np.where(y2 == y1, 1.0, y2 - y1)
    crosses = ((y1 > y) != (y2 > y)) & (x < (x2 - x1) * (y - y1) / rising + x1)
    return crosses.sum(axis=-1) % 2 == 1


@pytest.mark.parametrize("seed", range(8))
def test_contours_of_any_mask_give_it_back(seed):
    """With holes, islands in holes, single voxels and parts that touch by a corner."""
    mask = np.random.default_rng(seed).random((14, 11)) < (0.2, 0.5, 0.7, 0.9)[seed % 4]
    found = np.zeros(mask.shape, bool)
    for ring in slice_contours(mask):
        found ^= inside(ring, mask.shape)
    assert np.array_equal(found, mask)


@pytest.mark.parametrize("kind", ["fractional", "labelmap"])
def test_other_kinds_of_segmentation_hold_the_same_lesions(results_of, kind):
    results = results_of("oblique", "classic", seg=kind)
    lesions = results.analysis.lesions
    tissues, one_by_one = (
        hd.seg.segread(results.folder / f"{n}-seg.dcm") for n in ("tissues", "lesions")
    )
    assert tissues.SegmentationType == one_by_one.SegmentationType == kind.upper()
    if kind == "labelmap":
        found = segments(results.folder / "lesions-seg.dcm")
        assert found == {n: truth(results, lesions.native_instances, n) for n in (1, 2)}
    else:
        volume = tissues.get_volume()
        enhancing = positions(volume.array[..., 2] > 0.5, volume.affine)
        assert enhancing == truth(results, lesions.native_tissue, 3)
        assert volume.array.max() == pytest.approx(0.9, abs=0.01)


def groups(results):
    """Measurement groups of the report, by tracking identifier."""
    report = srread(results.folder / "measurements-sr.dcm")
    content = report.content
    found = {}
    for group in [
        *content.get_volumetric_roi_measurement_groups(),
        *content.get_image_measurement_groups(),
    ]:
        found.setdefault(group.tracking_identifier, []).append(group)
    return found


def values(group):
    return {m.name.meaning: (m.value, m.unit.value) for m in group.get_measurements()}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("orientation", ORIENTATIONS)
def test_measurements_are_those_of_the_result_and_lie_on_the_lesion(results_of, orientation, kind):
    results = results_of(orientation, kind)
    record = results.analysis.result.lesions[0]
    volumetric, axes = groups(results)["BM-001"]
    core = 1000 * (record.volume_ml.enhancing + record.volume_ml.non_enhancing_core)
    assert values(volumetric)["Volume"] == (pytest.approx(core, abs=1e-3), "mm3")
    assert values(axes)["Long axis"] == (
        pytest.approx(record.longest_diameter_mm, abs=1e-3), "mm",
    )  # fmt: skip
    lines = [drawn(results, measurement) for measurement in axes.get_measurements()]
    for line, length in zip(
        lines, (record.longest_diameter_mm, record.perpendicular_diameter_mm), strict=True
    ):
        assert np.linalg.norm(line[1] - line[0]) == pytest.approx(length, abs=0.01)
    ends = np.array(record.longest_ends_ras_mm) * [-1, -1, 1]
    assert np.allclose(lines[0], ends, atol=0.01)
    assert (lines[0][1] - lines[0][0]) @ (lines[1][1] - lines[1][0]) == pytest.approx(0, abs=0.05)


def drawn(results, measurement):
    """Ends of a measurement's line, LPS mm, from pixels of its image or from space."""
    [line] = [item for item in measurement[0].ContentSequence if "GraphicData" in item]
    if line.ValueType == "SCOORD3D":
        return np.reshape(line.GraphicData, (2, 3))
    reference = line.ContentSequence[0].ReferencedSOPSequence[0]
    [series] = read_series(results.sources).series
    number = reference.get("ReferencedFrameNumber")
    [frame] = [
        frame
        for frame in series.frames[0]
        if frame.tags.text("SOPInstanceUID") == reference.ReferencedSOPInstanceUID
        and (number is None or frame.index == number - 1)
    ]
    row, column = np.reshape(frame.orientation, (2, 3))
    steps = np.stack([row * frame.spacing[1], column * frame.spacing[0]])
    return np.array(frame.position) + (np.reshape(line.GraphicData, (2, 2)) - 0.5) @ steps


def code_values(results):
    elements = results.read("measurements-sr").iterall()
    return {str(element.value) for element in elements if element.keyword == "CodeValue"}


def test_leanings_are_told_only_on_request(results_of):
    plain, asked = (
        code_values(results_of("axial", "classic", sr_phenotype=s)) for s in (False, True)
    )
    phenotype = {"P-ANGIO", "P-INTER", "P-COOPT", "P-VM", "VASC-MODE", "LABEL-SUPPORTED"}
    assert not plain & phenotype
    assert phenotype <= asked
    assert {"ANGIO", "ABSTAINED"} <= asked


def test_only_published_codes_of_our_scheme_are_used(results_of):
    report = results_of("axial", "classic", sr_phenotype=True).read("measurements-sr")
    ours = {
        str(dataset.CodeValue)
        for dataset in _items(report)
        if dataset.get("CodingSchemeDesignator") == "99VASOTYPE" and "CodeValue" in dataset
    }
    assert ours <= set(codes.scheme()["concepts"])
    [identification] = report.CodingSchemeIdentificationSequence
    assert identification.CodingSchemeUID == codes.scheme()["uid"]


def _items(dataset):
    for element in dataset:
        if element.VR == "SQ":
            for item in element.value:
                yield item
                yield from _items(item)


def test_without_lesion_the_report_says_so_and_nothing_is_outlined(results_of):
    results = results_of("axial", "classic", lesions=False)
    assert set(results.names) == {"measurements-sr", "report-pdf"}
    [[group]] = groups(results).values()
    assert values(group) == {"Number of lesions": (0, "1")}


def test_everything_is_marked_as_unverified_and_not_diagnostic(results_of):
    results = results_of("axial", "classic")
    for name in results.names:
        made = results.read(name)
        assert "UNVERIFIED" in made.SeriesDescription
        assert "not for diagnostic use" in made.SeriesDescription
        assert made.Manufacturer == "vasotype developers"
    report = results.read("measurements-sr")
    assert (report.CompletionFlag, report.PreliminaryFlag) == ("COMPLETE", "PRELIMINARY")
    assert report.VerificationFlag == results.read("report-pdf").VerificationFlag == "UNVERIFIED"
    assert results.read("lesions-rtstruct").ApprovalStatus == "UNAPPROVED"
    segment = results.read("lesions-seg").SegmentSequence[0]
    [algorithm] = segment.SegmentationAlgorithmIdentificationSequence
    assert segment.SegmentAlgorithmType == "AUTOMATIC"
    assert (algorithm.AlgorithmName, algorithm.AlgorithmVersion) == ("vasotype", "0.1.0")
    assert "a" * 64 in algorithm.AlgorithmParameters


@pytest.mark.parametrize("kind", KINDS)
def test_key_images_are_the_slices_of_the_longest_axes(results_of, kind):
    results = results_of("axial", kind)
    images = [i for i in results.read("key-images-ko").ContentSequence if i.ValueType == "IMAGE"]
    [series] = read_series(results.sources).series
    for image, lesion in zip(images, results.analysis.result.lesions, strict=True):
        reference = image.ReferencedSOPSequence[0]
        [height] = [
            frame.position[2]
            for frame in series.frames[0]
            if frame.tags.text("SOPInstanceUID") == reference.ReferencedSOPInstanceUID
            and reference.get("ReferencedFrameNumber", frame.index + 1) == frame.index + 1
        ]
        assert height == pytest.approx(lesion.longest_ends_ras_mm[0][2], abs=0.01)


def written(results, folder, analysis=None, **options):
    analysis = analysis or results.analysis
    write_dicom(analysis, analysis.prepared.native.source, folder, OutputOptions(**options))
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_a_repeat_makes_the_same_objects_byte_by_byte(results_of, tmp_path):
    results = results_of("axial", "classic")
    first = {path.name: path.read_bytes() for path in results.folder.iterdir()}
    assert written(results, tmp_path / "again") == first


def test_a_renamed_folder_makes_the_same_objects(results_of, tmp_path):
    results = results_of("axial", "classic")
    of_folder = FindingRecord(code="name-withheld", severity="note", message="m", remedy="r")
    result = results.analysis.result.model_copy(
        update={"study": "renamed", "created": "2030-01-01", "findings": (of_folder,)}
    )
    first = {path.name: path.read_bytes() for path in results.folder.iterdir()}
    assert written(results, tmp_path / "again", replace(results.analysis, result=result)) == first


@pytest.mark.parametrize(
    ("change", "alike"), [({"file": "b.nii"}, True), ({"sha256": "b" * 64}, False)]
)
def test_identifiers_follow_the_input_s_digest_and_not_its_file_name(results_of, change, alike):
    results = results_of("axial", "classic")
    source = results.analysis.prepared.native.source
    image = {"channel": "t1c", "file": "a.nii", "sha256": "a" * 64}
    place = {"shape": (1, 1, 1), "spacing_mm": (1.0, 1.0, 1.0), "orientation": "LPS"}
    keys = set()
    for values in (image, image | change):
        inputs = {"inputs": (Input(**values, **place),)}
        analysis = replace(
            results.analysis, result=results.analysis.result.model_copy(update=inputs)
        )
        keys.add(DicomCase.of(analysis, source, OutputOptions()).identity.key)
    assert (len(keys) == 1) == alike


def test_other_content_or_options_never_keep_an_identifier(results_of, tmp_path):
    results = results_of("axial", "classic")
    written(results, tmp_path / "other", seg="labelmap")
    for name in results.names:
        other = pydicom.dcmread(tmp_path / "other" / f"{name}.dcm")
        assert other.SOPInstanceUID != results.read(name).SOPInstanceUID


def test_dates_come_from_the_source_or_from_source_date_epoch(results_of, tmp_path, monkeypatch):
    results = results_of("axial", "classic")
    assert results.read("lesions-seg").ContentDate == "20200101"
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1767225600")
    written(results, tmp_path / "later")
    assert pydicom.dcmread(tmp_path / "later" / "lesions-seg.dcm").ContentDate == "20260101"


def test_a_source_without_frame_of_reference_gets_measurements_but_no_outlines(results_of):
    results = results_of("axial", "classic", header=(("FrameOfReferenceUID", None),))
    assert set(results.names) == {"measurements-sr", "report-pdf", "key-images-ko"}
    assert [finding.code for finding in results.findings] == ["dicom-no-frame-of-reference"]
    [[group], _] = groups(results).values()
    assert {"Volume", "Long axis", "Short axis"} <= set(values(group))


ODD = {
    "birth date of letters": (("PatientBirthDate", "UNKNOWN"),),
    "sex of letters": (("PatientSex", "FEMALE"),),
    "empty first character set": (
        ("SpecificCharacterSet", "\\ISO 2022 IR 87"),
        ("PatientName", "Yamada^Tarou=山田^太郎=やまだ^たろう"),
    ),
    "no identity": (("PatientName", None), ("PatientID", None), ("StudyDate", None)),
    "no thickness": (("SliceThickness", ""),),
    "long series description": (("SeriesDescription", "x" * 64),),
}


@pytest.mark.filterwarnings("ignore:Invalid value for VR")  # the odd header itself
@pytest.mark.parametrize("header", ODD.values(), ids=ODD)
def test_odd_headers_cost_no_object(results_of, header):
    results = results_of("axial", "classic", header=header)
    assert results.findings == ()
    assert set(results.names) == ALL


def test_a_name_in_three_scripts_survives(results_of):
    results = results_of("axial", "classic", header=ODD["empty first character set"])
    name = results.read("measurements-sr").PatientName
    assert str(name) == "Yamada^Tarou=山田^太郎=やまだ^たろう"


def test_the_pdf_is_whole_and_names_no_patient(results_of, kit):
    report = results_of("axial", "classic").read("report-pdf")
    pdf = report.EncapsulatedDocument[: report.EncapsulatedDocumentLength]
    assert pdf.startswith(b"%PDF")
    assert pdf.rstrip().endswith(b"%%EOF")
    assert kit.secret.encode() not in pdf


def test_objects_keep_to_the_patient_and_study_of_their_source(results_of, kit):
    results = results_of("axial", "classic")
    source: Dataset = pydicom.dcmread(next(results.sources.iterdir()))
    for name in results.names:
        made = results.read(name)
        for keyword in ("PatientID", "PatientName", "StudyInstanceUID", "StudyDate"):
            assert made.get(keyword) == source.get(keyword)
        assert made.SeriesInstanceUID != source.SeriesInstanceUID
