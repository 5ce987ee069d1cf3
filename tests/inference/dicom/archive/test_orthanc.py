"""Results come into an archive and come back whole."""

import pydicom
import pytest


@pytest.fixture(scope="module")
def peer(start_orthanc):
    return start_orthanc()


@pytest.mark.parametrize("seg", ["binary", "labelmap"])
def test_orthanc_gives_results_back_byte_by_byte(results_of, peer, seg):
    results = results_of("axial", "classic", seg=seg, sr_phenotype=True)
    for path in [*results.sources.iterdir(), *results.folder.iterdir()]:
        content = path.read_bytes()
        answer = peer.store(content)
        assert answer["Status"] in ("Success", "AlreadyStored")
        assert peer.get(f"instances/{answer['ID']}/file") == content


def test_results_join_the_study_of_their_source(results_of, peer):
    results = results_of("axial", "classic", sr_phenotype=True)
    study = results.read("measurements-sr").StudyInstanceUID
    for path in results.folder.iterdir():
        peer.store(path.read_bytes())
    assert {"SEG", "RTSTRUCT", "SR", "KO", "DOC"} <= peer.modalities(study)


def test_the_archive_knows_a_repeated_result(results_of, peer, tmp_path):
    results = results_of("axial", "classic", sr_phenotype=True)
    path = results.folder / "lesions-seg.dcm"
    peer.store(path.read_bytes())
    assert peer.store(path.read_bytes())["Status"] == "AlreadyStored"
    assert pydicom.dcmread(path).SOPClassUID.name == "Segmentation Storage"
