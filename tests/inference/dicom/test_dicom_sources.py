"""Files come from folders and archives; an archive can hold anything, and is trusted in nothing."""

import io
import zipfile

import pytest
from vasotype.findings import StudyError
from vasotype.study.dicom import holds_dicom, read_series


def zipped(folder, path):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for file in sorted(folder.iterdir()):
            archive.write(file, f"study/{file.name}")
    return path


def refusal(path):
    with pytest.raises(StudyError) as error:
        read_series(path)
    return error.value.code


def test_an_archive_holds_what_its_folder_holds(tmp_path, kit):
    folder = kit.save(kit.classic(), tmp_path / "a")
    [from_folder] = read_series(folder).series
    [from_archive] = read_series(zipped(folder, tmp_path / "a.zip")).series
    assert (from_folder.read().data == from_archive.read().data).all()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a", "a.zip"]  # nothing unpacked


def test_series_in_subfolders_are_found_and_junk_is_counted(tmp_path, kit):
    kit.save(kit.classic(), tmp_path / "a" / "deep")
    (tmp_path / "report.txt").write_text("hello")
    (tmp_path / "DICOMDIR").write_bytes(b"\0" * 128 + b"DICM")
    (tmp_path / "__MACOSX").mkdir()
    (tmp_path / "__MACOSX" / "x").write_bytes(b"\0" * 128 + b"DICM")
    (tmp_path / "noise").write_bytes(b"\0" * 128 + b"DICM" + b"\xff" * 300)
    found = read_series(tmp_path)
    assert len(found.series) == 1
    assert sum(found.skipped.values()) == 2


def test_a_file_without_preamble_is_read(tmp_path, kit):
    slices = kit.classic()
    for ds in slices:
        buffer = io.BytesIO()
        del ds.file_meta
        ds.save_as(buffer, implicit_vr=True, little_endian=True)
        (tmp_path / f"{ds.SOPInstanceUID}").write_bytes(buffer.getvalue())
    [series] = read_series(tmp_path).series
    assert series.read().data.shape == (18, 14, 12)


def test_other_kinds_of_objects_are_listed_not_read(tmp_path, kit):
    ct = kit.classic(Modality="CT")
    for ds in ct:
        ds.SOPClassUID = "1.2.840.10008.5.1.4.1.1.2"
    found = read_series(kit.save(ct, tmp_path))
    assert found.series == ()
    assert found.skipped == {"CT Image Storage": 12}


def test_copies_are_dropped_and_contradictions_told(tmp_path, kit):
    slices = kit.classic()
    kit.save(slices, tmp_path)
    kit.save(slices[:3], tmp_path / "again")
    found = read_series(tmp_path)
    assert found.series[0].problem is None
    assert found.skipped["copy of another file"] == 3
    assert found.findings == ()
    slices[0].PixelData = bytes(len(slices[0].PixelData))
    kit.save(slices[:1], tmp_path / "changed")
    assert [f.code for f in read_series(tmp_path).findings] == ["dicom-duplicate-uid"]


@pytest.mark.parametrize("name", ["../evil", "/etc/evil", "a/../../evil", "..\\evil", "C:\\evil"])
def test_an_archive_whose_members_lead_outside_is_refused(tmp_path, name):
    path = tmp_path / "x.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(name, b"x")
    assert refusal(path) == "archive-refused"


def test_an_archive_that_swells_is_refused(tmp_path):
    path = tmp_path / "x.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("bomb", bytes(120 * 1024**2))
    assert refusal(path) == "archive-refused"


def test_more_files_than_a_study_has_are_refused(tmp_path, monkeypatch):
    monkeypatch.setattr("vasotype.study.dicom.sources.MAXIMAL_FILES", 3)
    with zipfile.ZipFile(tmp_path / "x.zip", "w") as archive:
        for number in range(4):
            archive.writestr(str(number), b"x")
            (tmp_path / f"f{number}").touch()
    assert refusal(tmp_path / "x.zip") == "archive-refused"
    assert refusal(tmp_path) == "archive-refused"


def test_a_damaged_archive_is_refused(tmp_path, kit):
    path = zipped(kit.save(kit.classic(), tmp_path / "a"), tmp_path / "a.zip")
    content = bytearray(path.read_bytes())
    content[60:400] = bytes(340)
    path.write_bytes(content)
    assert refusal(path) == "unreadable-archive"


def test_nested_archives_are_not_opened(tmp_path, kit):
    inner = zipped(kit.save(kit.classic(), tmp_path / "a"), tmp_path / "inner.zip")
    with zipfile.ZipFile(tmp_path / "outer.zip", "w") as archive:
        archive.write(inner, "inner.zip")
    found = read_series(tmp_path / "outer.zip")
    assert found.series == ()


def test_a_folder_is_dicom_by_what_it_holds(tmp_path, kit):
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "t1c.nii.gz").write_bytes(b"\x1f\x8b")
    assert not holds_dicom(tmp_path / "a")
    kit.save(kit.classic(), tmp_path / "a" / "b")
    assert holds_dicom(tmp_path / "a")


def test_nothing_there_is_refused(tmp_path):
    assert refusal(tmp_path / "none") == "file-missing"


@pytest.mark.filterwarnings("error")
def test_odd_headers_are_read_without_a_word_about_their_values(tmp_path, kit, caplog):
    folder = kit.save(kit.classic(), tmp_path)
    for file in folder.iterdir():
        content = file.read_bytes()
        assert kit.secret.encode() in content
        file.write_bytes(content.replace(b"20200101", b"2020XX01").replace(b"100000", b"1X0000"))
    [series] = read_series(folder).series
    series.read()
    assert caplog.text == ""
