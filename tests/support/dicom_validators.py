"""What DICOM validators of others say of an object, and which of it is known to be harmless."""

import re
import subprocess

ALLOWED = (
    r"unrecognized.*99VASOTYPE",
    r"Coding Scheme UID",
    r"CodingSchemeUID",
)
"""Our private scheme is known to no validator."""
ALLOWED_LABELMAP = (r"Information Object Not found", r"SegmentNumber", r"Segment Number")
"""dicom3tools of Debian 12 is older than label maps (DICOM Supplement 243)."""


def output_of(*command):
    """Everything that a program says; it may end as it likes."""
    run = subprocess.run([str(w) for w in command], capture_output=True, check=False)
    return (run.stdout + run.stderr).decode("utf-8", "replace")


def errors(text, allowed):
    lines = [line for line in text.splitlines() if re.match(r"error", line, re.IGNORECASE)]
    return [line for line in lines if not any(re.search(pattern, line) for pattern in allowed)]
