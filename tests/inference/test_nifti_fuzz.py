"""Any NIfTI header, and any damage to a file, ends in a typed error or a right answer.

``VASOTYPE_FUZZ`` sets the number of inputs a test tries; scripts/fuzz tries many more.
"""

import gzip
import os
import struct

import nibabel as nib
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from vasotype.findings import CATALOGUE, StudyError
from vasotype.study.nifti import read_volume

EXAMPLES = int(os.environ.get("VASOTYPE_FUZZ", "1000"))
FUZZ = settings(
    max_examples=EXAMPLES,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
SHAPE, SPACING = (12, 14, 11), (2.0, 2.5, 3.0)
FLOATS = st.one_of(
    st.floats(width=32), st.sampled_from([0.0, -1.0, 1.0, 2.0, 1e-30, 1e30, 1e9, -32768.0])
)
SHORTS = st.one_of(st.integers(-32768, 32767), st.sampled_from([0, 1, 2, 3, 4, 5, 7, 8, 16, 512]))
FIELDS = {  # offset and struct code of the header's fields, as in nifti1.h
    **{f"dim{n}": (40 + 2 * n, "<h", SHORTS) for n in range(8)},
    **{f"pixdim{n}": (76 + 4 * n, "<f", FLOATS) for n in range(8)},
    **{f"srow{n}": (280 + 4 * n, "<f", FLOATS) for n in range(12)},
    **{f"quatern{n}": (256 + 4 * n, "<f", FLOATS) for n in range(6)},
    "sizeof_hdr": (0, "<i", st.integers(-(2**31), 2**31 - 1)),
    "datatype": (70, "<h", SHORTS),
    "bitpix": (72, "<h", SHORTS),
    "vox_offset": (108, "<f", FLOATS),
    "scl_slope": (112, "<f", FLOATS),
    "scl_inter": (116, "<f", FLOATS),
    "xyzt_units": (123, "<b", st.integers(-128, 127)),
    "qform_code": (252, "<h", SHORTS),
    "sform_code": (254, "<h", SHORTS),
    "magic": (344, "<4s", st.binary(min_size=4, max_size=4)),
}
NEUTRAL = {
    *(f"pixdim{n}" for n in range(8)), *(f"quatern{n}" for n in range(6)), "qform_code",
}  # fmt: skip
"""Fields that say nothing where an sform is set, which wins; but for a doubt, or a refusal."""
CHANGES = st.lists(
    st.sampled_from(sorted(FIELDS)).flatmap(
        lambda field: st.tuples(st.just(field), FIELDS[field][2])
    ),
    min_size=1,
    max_size=3,
)


def values():
    index = np.indices(SHAPE)
    return (100 + 3 * index[0] + 5 * index[1] + 7 * index[2]).astype(np.int16)


@pytest.fixture(scope="module")
def plain(tmp_path_factory):
    """Bytes of a small image that is read without a word."""
    path = tmp_path_factory.mktemp("plain") / "a_t1c.nii"
    image = nib.Nifti1Image(values(), np.diag([*SPACING, 1.0]))
    image.set_qform(image.affine, 1)
    image.set_sform(image.affine, 1)
    nib.save(image, path)
    return path.read_bytes()


def read(path):
    try:
        return read_volume(path)
    except StudyError as refusal:
        return refusal


def answer(path, content):
    """The volume, or its refusal; anything else that is raised fails the test."""
    path.write_bytes(content)
    got = read(path)
    if isinstance(got, StudyError):
        assert got.code in CATALOGUE
        assert str(path.parent) not in str(got)
        return got
    volume, findings = got
    assert np.isfinite(volume.data).all()
    assert np.isfinite(volume.grid.affine).all()
    assert volume.data.shape == volume.grid.shape
    assert {finding.code for finding in findings} <= set(CATALOGUE)
    return volume


def check_right(volume):
    assert np.array_equal(volume.data, values())
    np.testing.assert_allclose(volume.grid.affine, np.diag([*SPACING, 1.0]))


@pytest.mark.filterwarnings("ignore")
@FUZZ
@given(changes=CHANGES)
def test_headers_of_any_content(plain, tmp_path, changes):
    content = bytearray(plain)
    for field, value in changes:
        offset, code, _ = FIELDS[field]
        struct.pack_into(code, content, offset, value)
    got = answer(tmp_path / "a_t1c.nii", bytes(content))
    if NEUTRAL.issuperset(field for field, _ in changes) and not isinstance(got, StudyError):
        check_right(got)


@pytest.mark.filterwarnings("ignore")
@FUZZ
@given(data=st.data())
def test_files_cut_or_overwritten_anywhere(plain, tmp_path, data):
    packed = data.draw(st.booleans(), label="gzip")
    content = bytearray(gzip.compress(plain, mtime=0) if packed else plain)
    place = data.draw(st.integers(0, len(content) - 1), label="place")
    if data.draw(st.booleans(), label="cut"):
        content = content[:place]
    else:
        noise = data.draw(st.binary(min_size=1, max_size=16), label="noise")
        content[place : place + len(noise)] = noise
    answer(tmp_path / f"a_t1c.nii{'.gz' if packed else ''}", bytes(content))


def test_the_undamaged_image_is_read_right(plain, tmp_path):
    check_right(answer(tmp_path / "a_t1c.nii", plain))
