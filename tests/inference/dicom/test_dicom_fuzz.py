"""Any header ends in a typed error or a right answer, never in a traceback.

``VASOTYPE_FUZZ`` sets the number of inputs a test tries; scripts/fuzz tries thousands.
"""

import copy
import os

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydicom.dataset import Dataset
from vasotype.findings import CATALOGUE, StudyError
from vasotype.study import read_study
from vasotype.study.dicom import read_series
from vasotype.study.identify import identify_series

EXAMPLES = int(os.environ.get("VASOTYPE_FUZZ", "50"))
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
CHANGES = st.lists(
    st.sampled_from(sorted(TAGS)).flatmap(
        lambda tag: st.tuples(st.just(tag), TAGS[tag][1], st.booleans())
    ),
    min_size=1,
    max_size=3,
)


def element_of(keyword, vr, value):
    ds = Dataset()
    ds.add_new(keyword, vr, value)
    return ds[keyword]


def answer_or_error(folder):
    try:
        return read_study(folder)
    except StudyError as error:
        return error


@pytest.mark.filterwarnings("ignore")
@settings(
    max_examples=EXAMPLES,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(changes=CHANGES)
def test_headers_of_any_content_end_in_an_answer_or_a_typed_error(tmp_path_factory, kit, changes):
    folder = tmp_path_factory.mktemp("fuzz")
    slices = copy.deepcopy(kit.classic(SeriesDescription="t1 post", ContrastBolusAgent="Gd"))
    for keyword, value, everywhere in changes:
        for ds in slices if everywhere else slices[3:4]:
            try:
                ds.add(element_of(keyword, TAGS[keyword][0], value))
            except (ValueError, TypeError, OverflowError, NotImplementedError):
                continue  # pydicom itself refuses to make this value
    for number, ds in enumerate(slices):
        try:
            ds.save_as(folder / f"{number}")
        except Exception:  # a value that can't be written reaches no reader
            continue
    answer = answer_or_error(folder)
    if isinstance(answer, StudyError):
        assert answer.code in CATALOGUE
        assert kit.secret not in str(answer)
    else:
        for volume in answer.volumes.values():
            assert np.isfinite(volume.data).all()
    for one in identify_series(read_series(folder).series) if any(folder.iterdir()) else ():
        assert one.reasons


@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
@pytest.mark.filterwarnings("ignore")
def test_files_cut_or_overwritten_anywhere_end_in_an_answer_or_a_typed_error(
    tmp_path_factory, kit, data
):
    folder = kit.save(kit.classic(), tmp_path_factory.mktemp("bytes"))
    victim = folder / "x0004"
    content = bytearray(victim.read_bytes())
    start = data.draw(st.integers(0, 10_000)) % len(content)
    if data.draw(st.booleans()):
        content = content[:start]
    else:
        noise = data.draw(st.binary(min_size=1, max_size=8))
        content[start : start + len(noise)] = noise
    victim.write_bytes(content)
    answer = answer_or_error(folder)
    assert not isinstance(answer, StudyError) or answer.code in CATALOGUE
