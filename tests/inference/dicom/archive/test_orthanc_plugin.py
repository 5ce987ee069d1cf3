"""The example plugin in Debian's Orthanc: a study comes in, results join it, and that is all."""

import json
import shutil
import sys
import time
from pathlib import Path

import pytest

PLUGIN = Path(__file__).parents[4] / "examples" / "orthanc" / "vasotype_plugin.py"
LIBRARY = Path("/usr/share/orthanc/plugins/libOrthancPython.so")
PATIENCE_S = 60.0
STUB = """
import json, shutil, sys
from pathlib import Path
study, output, log = Path(sys.argv[1]), Path(sys.argv[3]), Path(__file__).with_name("runs.txt")
assert sys.argv[2::2] == ["-o", "--json"]
with log.open("a") as file:
    file.write(f"{len(list(study.iterdir()))}\\n")
if Path(__file__).with_name("fail").exists():
    print(json.dumps({"error": {"code": "no-input", "message": "DOE^JANE has no head"}}))
    sys.exit(2)
shutil.copytree(Path(__file__).with_name("results"), output / "dicom")
"""


def until(claim):
    deadline = time.monotonic() + PATIENCE_S
    while not claim():
        assert time.monotonic() < deadline, "it took too long"
        time.sleep(0.2)


@pytest.fixture
def plugged(start_orthanc, tool):
    """Starts an Orthanc whose plugin runs a command; skipped where Debian's plugin is missing."""
    if not LIBRARY.exists():
        tool("orthanc-python")

    def start(*command):
        settings = {"Plugins": [str(LIBRARY)], "PythonScript": str(PLUGIN)}
        return start_orthanc(settings | {"Vasotype": {"Command": list(map(str, command))}})

    return start


@pytest.fixture
def stub(tmp_path, kit):
    """A program that answers as ``vasotype run`` does, and the images that it is for."""
    images = kit.classic(kit.Plan(slices=3))
    kit.save(images, tmp_path / "images")
    kit.small_results(tmp_path / "results", images[0])
    (tmp_path / "stub.py").write_text(STUB)
    return tmp_path


def runs(stub):
    log = stub / "runs.txt"
    return log.read_text().split() if log.exists() else []


def send(peer, files):
    for path in files:
        peer.store(path.read_bytes())


def stable_again(peer, count):
    """Whether ``count`` studies have come to rest so far."""
    changes = json.loads(peer.get("changes?limit=1000"))["Changes"]
    return sum(change["ChangeType"] == "StableStudy" for change in changes) >= count


def test_results_join_the_study_and_start_no_loop(plugged, stub):
    peer = plugged(sys.executable, stub / "stub.py")
    images = sorted((stub / "images").iterdir())
    send(peer, images[:2])
    until(lambda: peer.modalities("1.2.3") == {"MR", "SEG", "SR", "DOC"})
    until(lambda: stable_again(peer, 2))  # the results made the study stable once more
    time.sleep(1.0)
    assert runs(stub) == ["2"]
    send(peer, images[2:])
    until(lambda: runs(stub) == ["2", "3"])


def test_a_failure_is_logged_by_its_code_and_not_repeated(plugged, stub):
    (stub / "fail").touch()
    peer = plugged(sys.executable, stub / "stub.py")
    send(peer, (stub / "images").iterdir())
    until(lambda: "not analysed, no-input" in peer.log.read_text())
    send(peer, (stub / "results").iterdir())
    until(lambda: stable_again(peer, 2))
    time.sleep(1.0)
    assert runs(stub) == ["3"]
    log = peer.log.read_text()
    assert "DOE" not in log
    assert "4711" not in log.replace("metadata/4711", "")


@pytest.mark.slow
def test_the_whole_chain_answers_in_the_archive(plugged, tmp_path):
    pytest.importorskip("vasotype_training")
    from typer.testing import CliRunner
    from vasotype.cli import app

    made = tmp_path / "made"
    lesions = ["--seed", "3", "--healthy-share", "0"]  # such that none can be overlooked
    simulate = ["simulate", "-o", str(made), "-n", "1", "--layout", "dicom", "--no-maps"]
    answer = CliRunner().invoke(app, [*simulate, *lesions])
    assert answer.exit_code == 0, answer.output
    program = shutil.which("vasotype", path=str(Path(sys.executable).parent))
    peer = plugged(program, "run")
    files = list(made.rglob("*.dcm"))
    send(peer, files)
    deadline = time.monotonic() + 600
    while "results stored" not in peer.log.read_text():
        assert time.monotonic() < deadline
        time.sleep(1)
    [study] = json.loads(peer.get("studies"))
    uid = json.loads(peer.get(f"studies/{study}"))["MainDicomTags"]["StudyInstanceUID"]
    assert {"MR", "SEG", "RTSTRUCT", "SR", "KO", "DOC"} <= peer.modalities(uid)
