"""Pixels come back as the scanner's values, bit by bit, in every transfer syntax of the table."""

import base64
import io
import subprocess
import zipfile

import numpy as np
import pydicom
import pytest
from pydicom.encaps import encapsulate
from pydicom.uid import (
    HTJ2K,
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    HTJ2KLossless,
    ImplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGBaseline8Bit,
    JPEGExtended12Bit,
    JPEGLossless,
    JPEGLosslessSV1,
    JPEGLSLossless,
    RLELossless,
)
from vasotype.findings import StudyError
from vasotype.study import read_study
from vasotype.study.dicom import read_series
from vasotype.study.dicom.pixels import fill
from vasotype.study.dicom.sources import find_sources

HTJ2K_SLICE = base64.b64decode(
    "/0//UQApQAAAAAAKAAAACAAAAAAAAAAAAAAACgAAAAgAAAAAAAAAAAABDwEB/1AACAACAAAACv9SAAwAAgABAAUEBEAB/1wAE"
    "yCIkJCQkJCQkJCQkJCQiIiI/2QAFwABT3BlbkpQSCBWZXIgMC4yNi4zLv+QAAoAAAAAAGAAAf+TwAAmOfgFB3QAAMAAEoCTAQ"
    "d0AMAAEkAAEwD+F3MASOQAIjQAwAASQAATgPwScwCiEAAkd1UAwAArYAAVAP8zPiJi5h/jWHyttwBu2+JGSey2AP/Z"
)
"""``Plan(size=(8, 10)).pixels(3)``, encoded without loss by OpenJPH 0.26.3 (imagecodecs)."""


def read(kit, datasets, folder):
    [series] = read_series(kit.save(datasets, folder)).series
    return series.read().data


@pytest.mark.parametrize("syntax", [RLELossless, JPEGLSLossless, JPEG2000Lossless])
def test_compressed_slices_are_read_without_loss(tmp_path, kit, syntax):
    slices = kit.classic(kit.Plan(size=(40, 44), spacing=(2.0, 2.0)))
    plain = read(kit, slices, tmp_path / "plain")
    for ds in slices:
        ds.compress(syntax, generate_instance_uid=False)
    assert np.array_equal(read(kit, slices, tmp_path / "packed"), plain)


@pytest.mark.parametrize("syntax", [HTJ2KLossless, HTJ2K])
def test_high_throughput_jpeg_2000_is_read_without_loss(tmp_path, kit, syntax):
    plan = kit.Plan(size=(8, 10))
    slices = kit.classic(plan)
    for ds in slices:
        ds.PixelData = encapsulate([HTJ2K_SLICE])
        ds["PixelData"].is_undefined_length = True
        ds.file_meta.TransferSyntaxUID = syntax
    found = read(kit, slices, tmp_path)
    assert (found == plan.pixels(3).T[:, :, None]).all()


def recompressed(program, folder, *options):
    """The files of a folder as DCMTK compresses them, in place."""
    for path in folder.iterdir():
        subprocess.run([program, *options, path, path], check=True, capture_output=True)
    [syntax] = {pydicom.dcmread(p).file_meta.TransferSyntaxUID for p in folder.iterdir()}
    return syntax


@pytest.mark.parametrize(("option", "syntax"), [("+el", JPEGLossless), ("+e1", JPEGLosslessSV1)])
def test_jpeg_is_read_without_loss_where_it_has_none(tmp_path, kit, tool, option, syntax):
    slices = kit.classic(kit.Plan(size=(40, 44), spacing=(2.0, 2.0)))
    plain = read(kit, slices, tmp_path / "plain")
    assert recompressed(tool("dcmcjpeg"), tmp_path / "plain", option) == syntax
    [series] = read_series(tmp_path / "plain").series
    assert np.array_equal(series.read().data, plain)


def test_jpeg_of_eight_bits_is_read_as_others_do_and_its_loss_told(tmp_path, kit, tool):
    slices = kit.classic(kit.Plan(size=(40, 44), spacing=(2.0, 2.0)))
    for ds in slices:
        pixels = np.frombuffer(ds.PixelData, np.uint16) // 8
        ds.PixelData = pixels.astype(np.uint8).tobytes()
        ds.BitsAllocated, ds.BitsStored, ds.HighBit = 8, 8, 7
    packed, unpacked = (kit.save(slices, tmp_path / name) for name in ("packed", "unpacked"))
    for folder in (packed, unpacked):
        assert recompressed(tool("dcmcjpeg"), folder, "+eb") == JPEGBaseline8Bit
    recompressed(tool("dcmdjpeg"), unpacked)
    [series] = read_series(packed).series
    [truth] = read_series(unpacked).series
    np.testing.assert_allclose(series.read().data, truth.read().data, atol=1.001)
    assert "lossy-compression" in {finding.code for finding in series.findings}


@pytest.mark.parametrize(
    "syntax", [ImplicitVRLittleEndian, ExplicitVRBigEndian, DeflatedExplicitVRLittleEndian]
)
def test_plain_encodings_are_read(tmp_path, kit, syntax):
    slices = kit.classic()
    plain = read(kit, slices, tmp_path / "plain")
    for ds in slices:
        if syntax == ExplicitVRBigEndian:
            ds.PixelData = np.frombuffer(ds.PixelData, np.uint16).byteswap().tobytes()
        ds.file_meta.TransferSyntaxUID = syntax
    assert np.array_equal(read(kit, slices, tmp_path / "other"), plain)


def test_classic_enhanced_and_compressed_series_of_one_folder_are_told_apart(tmp_path, kit):
    plan = kit.Plan(size=(8, 10))
    t1 = kit.classic(plan)
    flair = kit.classic(plan, **kit.sequences["flair"])
    for ds in flair:
        ds.compress(RLELossless, generate_instance_uid=False)
    post = {"SeriesDescription": "t1 post", "ContrastBolusAgent": "Gd", "AcquisitionTime": "110000"}
    enhanced = kit.enhanced(plan, **post, ScanningSequence=["GR", "IR"])
    for datasets in (t1, flair, [enhanced]):
        kit.save(datasets, tmp_path)
    volumes = read_study(tmp_path).volumes
    assert list(volumes) == ["t1", "t1c", "flair"]
    truth = np.stack([plan.pixels(slice_).T for slice_ in range(plan.slices)], axis=2)
    for volume in volumes.values():
        np.testing.assert_allclose(volume.data, truth, atol=0.5)  # one of the slopes is 0.5


def test_each_slice_is_rescaled_by_its_own_slope(tmp_path, kit):
    slices = kit.classic()
    plain = read(kit, slices, tmp_path / "plain")
    for number, ds in enumerate(slices):
        ds.RescaleSlope, ds.RescaleIntercept = 1 + number, -5
    found = read(kit, slices, tmp_path / "scaled")
    np.testing.assert_allclose(found, plain * np.arange(1, 13) - 5)


def test_padding_is_nothing_even_when_written_with_the_wrong_sign(tmp_path, kit):
    slices = kit.classic()
    for ds in slices:
        pixels = np.frombuffer(ds.PixelData, np.int16).reshape(ds.Rows, ds.Columns).copy()
        pixels[0, 0] = -32768
        ds.PixelRepresentation, ds.PixelData = 1, pixels.tobytes()
        ds.RescaleSlope, ds.RescaleIntercept = 2, 100
        element = pydicom.DataElement("PixelPaddingValue", "US", 32768)
        ds.add(element)
    found = read(kit, slices, tmp_path)
    assert (found[0, 0] == 0).all()
    assert found[1, 1].min() > 1000


def refusal(kit, datasets, folder):
    [series] = read_series(kit.save(datasets, folder)).series
    with pytest.raises(StudyError) as error:
        series.read()
    return error.value


def test_twelve_bit_jpeg_is_refused_with_a_remedy(tmp_path, kit):
    slices = kit.classic()
    for ds in slices:
        ds.PixelData = encapsulate([b"\xff\xd8\xff\xd9"])
        ds["PixelData"].is_undefined_length = True
        ds.file_meta.TransferSyntaxUID = JPEGExtended12Bit
    assert refusal(kit, slices, tmp_path).code == "unsupported-compression"


def test_pixels_cut_short_are_refused(tmp_path, kit):
    slices = kit.classic()
    slices[7].PixelData = slices[7].PixelData[:100]
    assert refusal(kit, slices, tmp_path).code == "unreadable-image"


def test_a_file_cut_short_is_refused(tmp_path, kit):
    folder = kit.save(kit.classic(), tmp_path)
    victim = folder / "x0007"
    victim.write_bytes(victim.read_bytes()[:-120])
    [series] = read_series(folder).series
    with pytest.raises(StudyError, match="damaged or cut short"):
        series.read()


def test_a_rescale_beyond_all_numbers_is_refused(tmp_path, kit):
    slices = kit.classic()
    slices[3].RescaleIntercept = "1e308"
    assert refusal(kit, slices, tmp_path).code == "non-finite-voxels"


def test_loss_is_told(tmp_path, kit):
    slices = kit.classic(LossyImageCompression="01")
    [series] = read_series(kit.save(slices, tmp_path)).series
    assert [finding.code for finding in series.findings] == ["lossy-compression"]


@pytest.mark.real_data
def test_one_real_series_is_the_same_in_four_compressions(real_data, tmp_path):
    """JPEG 2000, JPEG lossless, JPEG-LS and RLE, made by another toolkit."""
    archive = zipfile.ZipFile(real_data / "dicom" / "vendors_and_transfer_syntaxes.zip")
    kinds = ("compressed", "compressed_jpeg", "compressed_jpegls", "compressed_rle")
    stacks = []
    for kind in kinds:
        folder = tmp_path / kind
        folder.mkdir()
        for name in archive.namelist():
            if name.startswith(f"generic/{kind}/"):
                (folder / name.rsplit("/", 1)[1]).write_bytes(archive.read(name))
        [series] = read_series(folder).series
        data = np.empty((256, 256, 4), np.float32)
        fill(list(series.frames[0]), data, series.name)
        stacks.append(data)
    assert all(np.array_equal(stack, stacks[0]) for stack in stacks[1:])


@pytest.mark.real_data
def test_real_multi_frame_objects_decode_alike_in_every_compression(real_data):
    found = read_series(real_data / "dicom" / "pydicom_mr_samples.zip")
    assert found.skipped == {"copy of another file": 4}  # one object in five encodings
    assert found.findings == ()


@pytest.mark.real_data
def test_real_enhanced_series_agree_with_the_frames_as_stored(real_data):
    place = real_data / "dicom" / "enhanced_multiframe.zip"
    for series, source in zip(read_series(place).series, find_sources(place), strict=True):
        with source.open() as stream:
            ds = pydicom.dcmread(io.BytesIO(stream.read()))
        stored = ds.pixel_array
        volume = series.read_all()[..., 0]
        order = [frame.index for frame in series.frames[0]]
        slope = series.frames[0][0].tags.number("RescaleSlope") or 1.0
        np.testing.assert_allclose(volume.T, stored[order] * slope, rtol=1e-5)
        positions = np.array([frame.position for frame in series.frames[0]])
        ras = positions[-1] * [-1, -1, 1]
        last = series.grid.affine @ [0, 0, len(order) - 1, 1]
        np.testing.assert_allclose(last[:3], ras, atol=0.01)
