"""Any header ends in a typed error or a right answer, never in a traceback.

``VASOTYPE_FUZZ`` sets the number of inputs a test tries; scripts/fuzz tries many more.
"""

import io
import os
from dataclasses import dataclass, field

import numpy as np
import pydicom
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydicom.dataset import Dataset
from vasotype.findings import CATALOGUE, StudyError
from vasotype.stages import Volume
from vasotype.study import read_study

EXAMPLES = int(os.environ.get("VASOTYPE_FUZZ", "200"))
FUZZ = settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck))
WORDS = st.sampled_from(
    ["", "SE", "GR", "IR", "T1", "junk", "9" * 30, "é\\x", "\\", "nan", "1e400"]
)
NUMBERS = st.one_of(
    st.floats(-1e6, 1e6, allow_nan=False).map(lambda value: f"{value:.6g}"),
    st.sampled_from(["", "0", "-1", "abc", "nan", "inf", "1e308", "1\\2", "1\\2\\3\\4\\5\\6"]),
)
TAGS = {
    "ImagePositionPatient": ("DS", NUMBERS),
    "ImageOrientationPatient": ("DS", NUMBERS),
    "PixelSpacing": ("DS", NUMBERS),
    "RescaleSlope": ("DS", NUMBERS),
    "RescaleIntercept": ("DS", NUMBERS),
    "PixelPaddingValue": ("US", st.integers(0, 65535)),
    "RepetitionTime": ("DS", NUMBERS),
    "EchoTime": ("DS", NUMBERS),
    "InversionTime": ("DS", NUMBERS),
    "FlipAngle": ("DS", NUMBERS),
    "DiffusionBValue": ("FD", st.floats()),
    "SeriesNumber": ("IS", st.sampled_from(["", "7", "x", "99999999999"])),
    "Rows": ("US", st.integers(0, 65535)),
    "Columns": ("US", st.integers(0, 65535)),
    "BitsAllocated": ("US", st.integers(0, 64)),
    "SamplesPerPixel": ("US", st.integers(0, 4)),
    "PixelRepresentation": ("US", st.integers(0, 2)),
    "NumberOfFrames": ("IS", st.sampled_from(["", "0", "1", "12", "-3", "999999"])),
    "ImageType": ("CS", WORDS),
    "ScanningSequence": ("CS", WORDS),
    "SeriesDescription": ("LO", WORDS),
    "ContrastBolusAgent": ("LO", WORDS),
    "AcquisitionTime": ("TM", st.sampled_from(["", "25", "1000", "99:99", "abcdef", "120000.9"])),
    "StudyDate": ("DA", st.sampled_from(["", "20200101", "1", "00000000", "x"])),
    "SpecificCharacterSet": ("CS", st.sampled_from(["", "ISO_IR 192", "NONSENSE"])),
    "SliceThickness": ("DS", NUMBERS),
    "ContrastBolusVolume": ("DS", NUMBERS),
    "ContrastBolusStartTime": ("TM", st.sampled_from(["", "1", "095500", "999999", "x"])),
    "ContrastBolusAgentSequence": ("SQ", st.just([Dataset()])),
    "PatientName": ("PN", WORDS),
    "SOPClassUID": ("UI", st.sampled_from(["", "1.2", "1.2.840.10008.5.1.4.1.1.4.1"])),
    "PixelData": ("OW", st.sampled_from([b"", b"\0\0", b"\1\0" * 252])),
}
TOUCHING = {  # pixels or geometry; whatever the other tags say, the voxels stay
    "ImagePositionPatient", "ImageOrientationPatient", "PixelSpacing", "Rows", "Columns",
    "RescaleSlope", "RescaleIntercept", "PixelPaddingValue", "PixelRepresentation", "PixelData",
    "BitsAllocated", "SamplesPerPixel", "NumberOfFrames", "SOPClassUID",
}  # fmt: skip
GROUPS = {  # functional groups, with what stands in them
    "PlanePositionSequence": ("ImagePositionPatient",),
    "PlaneOrientationSequence": ("ImageOrientationPatient",),
    "PixelMeasuresSequence": ("PixelSpacing", "SliceThickness"),
    "PixelValueTransformationSequence": ("RescaleSlope", "RescaleIntercept"),
    "MRTimingAndRelatedParametersSequence": ("RepetitionTime", "FlipAngle"),
    "MRDiffusionSequence": ("DiffusionBValue",),
    "FrameContentSequence": ("TemporalPositionIndex", "FrameAcquisitionDateTime"),
    "MREchoSequence": ("EffectiveEchoTime",),
    "MRModifierSequence": ("InversionTimes",),
    "MRImageFrameTypeSequence": ("FrameType",),
}
FRAME_TAGS = TAGS | {
    "TemporalPositionIndex": ("UL", st.integers(0, 9)),
    "FrameAcquisitionDateTime": ("DT", st.sampled_from(["", "x", "20200101100000.5", "9"])),
    "EffectiveEchoTime": ("FD", st.floats()),
    "InversionTimes": ("FD", st.floats()),
    "FrameType": ("CS", WORDS),
}
MIDDLE = 5
"""A slice whose loss leaves a gap, so that no part of the phantom can stand for the whole."""


def changes_of(tags):
    return st.sampled_from(sorted(tags)).flatmap(
        lambda tag: st.tuples(st.just(tag), tags[tag][1], st.booleans())
    )


CHANGES = st.lists(changes_of(TAGS), min_size=1, max_size=3)
GROUP_CHANGES = st.sampled_from(sorted(GROUPS)).flatmap(
    lambda group: st.tuples(
        st.just(group),
        st.sampled_from(["value", "value", "value", "no item", "empty item", "no group"]),
        changes_of({tag: FRAME_TAGS[tag] for tag in GROUPS[group]}),
    )
)


def set_value(ds, keyword, value):
    """Put a value into a header, unless pydicom itself refuses to make it."""
    try:
        ds.add_new(keyword, FRAME_TAGS[keyword][0], value)
    except (ValueError, TypeError, OverflowError, NotImplementedError):
        return


def write(ds, path, undamaged):
    """Write a header that may hold what can't be written; then the file stays as it was."""
    content = io.BytesIO()
    try:
        ds.save_as(content)
    except Exception:  # a value that can't be written reaches no reader
        path.write_bytes(undamaged)
    else:
        path.write_bytes(content.getvalue())


def opened(content):
    return pydicom.dcmread(io.BytesIO(content), force=True)


def answer_or_error(folder):
    try:
        return read_study(folder)
    except StudyError as error:
        return error


def check(folder, kit, right=None):
    """An answer or a typed error that tells no name; with ``right``, the voxels of that volume."""
    answer = answer_or_error(folder)
    if isinstance(answer, StudyError):
        assert answer.code in CATALOGUE
        assert kit.secret not in str(answer)
        return
    assert all(series.reasons for series in answer.series)
    for volume in answer.volumes.values():
        assert np.isfinite(volume.data).all()
        if right is not None:
            assert np.array_equal(volume.data, right.data)
            np.testing.assert_allclose(volume.grid.affine, right.grid.affine)


@dataclass(frozen=True)
class Template:
    """Bytes of the files of a series, in order, and the volume that they make."""

    files: list[bytes] = field(repr=False)
    volume: Volume = field(repr=False)


def template(folder):
    [volume] = read_study(folder).volumes.values()
    return Template([path.read_bytes() for path in sorted(folder.iterdir())], volume)


@pytest.fixture(scope="module")
def classic(kit, tmp_path_factory):
    header = {"SeriesDescription": "t1 post", "ContrastBolusAgent": "Gd"}
    slices = kit.classic(kit.Plan(size=(8, 10)), **header)
    return template(kit.save(slices, tmp_path_factory.mktemp("classic"), shuffled=False))


@pytest.fixture(scope="module")
def enhanced(kit, tmp_path_factory):
    header = {"SeriesDescription": "t1 post", "ContrastBolusAgent": "Gd"}
    header |= {"ScanningSequence": ["GR", "IR"]}
    ds = kit.enhanced(kit.Plan(size=(8, 10)), **header)
    return template(kit.save([ds], tmp_path_factory.mktemp("enhanced")))


@pytest.fixture
def place(tmp_path):
    """A folder that every input overwrites."""
    (tmp_path / "fuzz").mkdir()
    return tmp_path / "fuzz"


@pytest.mark.filterwarnings("ignore")
@FUZZ
@given(changes=CHANGES)
def test_headers_of_any_content(place, kit, classic, changes):
    everywhere = any(whole for _, _, whole in changes)
    for number, content in enumerate(classic.files):
        if number != MIDDLE and not everywhere:
            (place / str(number)).write_bytes(content)
            continue
        ds = opened(content)
        for keyword, value, whole in changes:
            if whole or number == MIDDLE:
                set_value(ds, keyword, value)
        write(ds, place / str(number), content)
    neutral = TOUCHING.isdisjoint(keyword for keyword, _, _ in changes)
    check(place, kit, classic.volume if neutral else None)


@pytest.mark.filterwarnings("ignore")
@FUZZ
@given(
    groups=st.lists(GROUP_CHANGES, min_size=1, max_size=3),
    changes=st.lists(changes_of(TAGS), max_size=1),
)
def test_functional_groups_of_any_content(place, kit, enhanced, groups, changes):
    [content], right = enhanced.files, enhanced.volume
    ds = opened(content)
    frames = ds.PerFrameFunctionalGroupsSequence
    middle = right.source.frames[MIDDLE][1]
    for keyword, value, _ in changes:
        set_value(ds, keyword, value)
    for group, deed, (keyword, value, whole) in groups:
        home = ds.SharedFunctionalGroupsSequence[0] if whole else frames[middle]
        if deed == "no group":
            home.pop(group, None)
        elif deed == "no item":
            setattr(home, group, [])
        elif deed == "empty item" or group not in home or not getattr(home, group):
            setattr(home, group, [Dataset()])
        if deed == "value":
            set_value(getattr(home, group)[0], keyword, value)
    write(ds, place / "object", content)
    touched = {keyword for keyword, _, _ in changes}
    touched.update(tag for group, _, _ in groups for tag in GROUPS[group])
    check(place, kit, right if TOUCHING.isdisjoint(touched) else None)


@pytest.mark.filterwarnings("ignore")
@FUZZ
@given(data=st.data())
def test_files_cut_or_overwritten_anywhere(place, kit, classic, enhanced, data):
    contents = list(data.draw(st.sampled_from([classic, enhanced]), label="series").files)
    victim = min(MIDDLE, len(contents) - 1)
    content = bytearray(contents[victim])
    start = data.draw(st.integers(0, len(content) - 1), label="place")
    if data.draw(st.booleans(), label="cut"):
        content = content[:start]
    else:
        noise = data.draw(st.binary(min_size=1, max_size=8), label="noise")
        content[start : start + len(noise)] = noise
    contents[victim] = bytes(content)
    for path in place.iterdir():
        path.unlink()
    for number, content in enumerate(contents):
        (place / str(number)).write_bytes(content)
    check(place, kit)
