"""Results go into an archive and come back whole."""

import json
import socket
import subprocess
import time
import urllib.error
import urllib.request
from pathlib import Path

import pydicom
import pytest

SCRIPT = Path(__file__).parents[3] / "scripts" / "orthanc"
PATIENCE_S = 60.0


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Peer:
    """An Orthanc's REST interface."""

    def __init__(self, port):
        self.root = f"http://127.0.0.1:{port}"

    def get(self, path):
        with urllib.request.urlopen(f"{self.root}/{path}", timeout=PATIENCE_S) as answer:
            return answer.read()

    def store(self, content):
        request = urllib.request.Request(f"{self.root}/instances", data=content, method="POST")
        with urllib.request.urlopen(request, timeout=PATIENCE_S) as answer:
            return json.load(answer)

    def answers(self):
        try:
            return bool(self.get("system"))
        except (urllib.error.URLError, ConnectionError):
            return False


@pytest.fixture(scope="module")
def peer(tool, tmp_path_factory):
    tool("Orthanc")
    ports = free_port(), free_port()
    home = tmp_path_factory.mktemp("orthanc")
    with (home / "log.txt").open("wb") as log:
        process = subprocess.Popen(
            [SCRIPT, *map(str, ports), home], stdout=log, stderr=subprocess.STDOUT
        )
        try:
            found = Peer(ports[0])
            deadline = time.monotonic() + PATIENCE_S
            while not found.answers():
                assert process.poll() is None, (home / "log.txt").read_text()
                assert time.monotonic() < deadline, "Orthanc does not answer"
                time.sleep(0.1)
            yield found
        finally:
            process.terminate()
            process.wait(timeout=PATIENCE_S)


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
    kept = [json.loads(peer.get(f"studies/{name}")) for name in json.loads(peer.get("studies"))]
    [one] = [s for s in kept if s["MainDicomTags"]["StudyInstanceUID"] == study]
    series = [json.loads(peer.get(f"series/{name}")) for name in one["Series"]]
    modalities = {s["MainDicomTags"]["Modality"] for s in series}
    assert {"SEG", "RTSTRUCT", "SR", "KO", "DOC"} <= modalities


def test_the_archive_knows_a_repeated_result(results_of, peer, tmp_path):
    results = results_of("axial", "classic", sr_phenotype=True)
    path = results.folder / "lesions-seg.dcm"
    peer.store(path.read_bytes())
    assert peer.store(path.read_bytes())["Status"] == "AlreadyStored"
    assert pydicom.dcmread(path).SOPClassUID.name == "Segmentation Storage"
