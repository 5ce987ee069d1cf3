"""The demonstration study: simulated metastases in the MNI152 template."""

from pathlib import Path


def folder() -> Path:
    """Folder that holds the study's images."""
    return Path(__file__).parent / "study"
