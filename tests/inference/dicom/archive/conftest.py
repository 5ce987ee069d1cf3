"""Debian's Orthanc, started for a test by the script that users have."""

import json
import socket
import subprocess
import time
import urllib.error
import urllib.request
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[4] / "scripts" / "orthanc"
PATIENCE_S = 60.0


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Peer:
    """An Orthanc's REST interface."""

    def __init__(self, port, log):
        self.root, self.log = f"http://127.0.0.1:{port}", log

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

    def modalities(self, study_uid):
        """Modalities of the series of a study."""
        kept = [json.loads(self.get(f"studies/{name}")) for name in json.loads(self.get("studies"))]
        [one] = [s for s in kept if s["MainDicomTags"]["StudyInstanceUID"] == study_uid]
        series = [json.loads(self.get(f"series/{name}")) for name in one["Series"]]
        return {s["MainDicomTags"]["Modality"] for s in series}


@pytest.fixture(scope="session")
def start_orthanc(tool, tmp_path_factory):
    """Starts an archive: ``start_orthanc(more)``, where ``more`` adds to its configuration."""
    tool("Orthanc")
    processes = []

    def start(more=None):
        ports = free_port(), free_port()
        home = tmp_path_factory.mktemp("orthanc")
        if more:
            (home / "more.json").write_text(json.dumps(more))
        log = home / "log.txt"
        with log.open("wb") as stream:
            process = subprocess.Popen(
                [SCRIPT, *map(str, ports), home], stdout=stream, stderr=subprocess.STDOUT
            )
        processes.append(process)
        found = Peer(ports[0], log)
        deadline = time.monotonic() + PATIENCE_S
        while not found.answers():
            assert process.poll() is None, log.read_text()
            assert time.monotonic() < deadline, "Orthanc does not answer"
            time.sleep(0.1)
        return found

    yield start
    for process in processes:
        process.terminate()
    for process in processes:
        process.wait(timeout=PATIENCE_S)
