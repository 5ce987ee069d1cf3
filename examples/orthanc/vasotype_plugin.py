"""Orthanc plugin: an MR study arrives, vasotype analyses it, its DICOM results come back.

Debian's ``orthanc-python`` runs this file (``"PythonScript"`` in Orthanc's configuration). It needs
nothing but the standard library: vasotype runs as a program of its own, in its own environment.

Results join the study and make it stable once more. What was analysed is therefore kept as metadata
of the study, a digest of its images: without new images there is no new run.

The log names a study by Orthanc's own identifier and an error by its code; no header is quoted.
"""

import hashlib
import json
import queue
import subprocess
import tempfile
import threading
from pathlib import Path

import orthanc

SETTINGS = json.loads(orthanc.GetConfiguration()).get("Vasotype", {})
COMMAND = SETTINGS.get("Command", ["vasotype", "run"])
"""The program and its options; study, output folder and ``--json`` are added."""
TIMEOUT_S = SETTINGS.get("TimeoutS", 3600)
ANALYSED = str(SETTINGS.get("Metadata", 4711))
"""Number of the metadata that keeps the digest; Orthanc leaves 1024 to 65535 to users."""
IMAGES = ("MR", "PT")
"""Modalities that vasotype reads; results have others."""


class Analyst:
    """One thread that analyses one study after the other.

    A callback that waited for an analysis would hold up Orthanc itself.
    """

    def __init__(self):
        self.studies = queue.SimpleQueue()
        self.stopped = threading.Event()
        self.program = None
        self.thread = threading.Thread(target=self.work, daemon=True)
        self.thread.start()

    def work(self):
        """Take studies from the queue until Orthanc stops."""
        while (study := self.studies.get()) is not None and not self.stopped.is_set():
            try:
                self.consider(study)
            except Exception as error:  # one study must not end the service
                orthanc.LogError(f"vasotype: study {study}: {type(error).__name__}")

    def consider(self, study):
        """Analyse a study whose images were not analysed before."""
        instances = images_of(study)
        digest = hashlib.sha256("\n".join(sorted(instances)).encode()).hexdigest()
        if not instances or digest == kept_digest(study):
            return
        orthanc.LogWarning(f"vasotype: study {study}: {len(instances)} images, analysis begins")
        with tempfile.TemporaryDirectory(prefix="vasotype-") as home:
            images, result = Path(home, "images"), Path(home, "result")
            export(instances, images)
            code = self.run([*COMMAND, str(images), "-o", str(result), "--json"])
            if self.stopped.is_set():
                return
            if code is None:
                files = sorted(result.glob("dicom/*.dcm"))
                for file in files:
                    orthanc.RestApiPost("/instances", file.read_bytes())
                orthanc.LogWarning(f"vasotype: study {study}: {len(files)} results stored")
            else:
                orthanc.LogError(f"vasotype: study {study}: not analysed, {code}")
        # After a failure, too: the same images would fail again.
        orthanc.RestApiPut(f"/studies/{study}/metadata/{ANALYSED}", digest)

    def run(self, command):
        """Run the program; None, or the code of the error that ended it."""
        self.program = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
        )
        try:
            answer, _ = self.program.communicate(timeout=TIMEOUT_S)
        except subprocess.TimeoutExpired:
            self.program.kill()
            self.program.communicate()
            return f"no answer in {TIMEOUT_S} s"
        if self.program.returncode == 0:
            return None
        try:
            return json.loads(answer)["error"]["code"]
        except (ValueError, KeyError, TypeError):
            return f"exit code {self.program.returncode}"

    def stop(self):
        """End a running analysis and the thread."""
        self.stopped.set()
        self.studies.put(None)
        if self.program is not None:
            self.program.terminate()
        self.thread.join(timeout=10)


def images_of(study):
    """Orthanc's identifiers of the images of a study."""
    series = json.loads(orthanc.RestApiGet(f"/studies/{study}/series"))
    return [
        instance
        for one in series
        if one["MainDicomTags"].get("Modality") in IMAGES
        for instance in one["Instances"]
    ]


def kept_digest(study):
    """Digest of the images that were analysed before; None if there were none."""
    if ANALYSED not in json.loads(orthanc.RestApiGet(f"/studies/{study}/metadata")):
        return None
    return orthanc.RestApiGet(f"/studies/{study}/metadata/{ANALYSED}").decode()


def export(instances, folder):
    """Write objects as files with neutral names."""
    folder.mkdir()
    for number, instance in enumerate(instances):
        content = orthanc.RestApiGet(f"/instances/{instance}/file")
        (folder / f"{number:06d}.dcm").write_bytes(content)


def on_change(change, _level, resource):
    """Called by Orthanc on every change of its content."""
    if change == orthanc.ChangeType.STABLE_STUDY:
        analyst.studies.put(resource)
    elif change == orthanc.ChangeType.ORTHANC_STOPPED:
        analyst.stop()


analyst = Analyst()
orthanc.RegisterOnChangeCallback(on_change)
