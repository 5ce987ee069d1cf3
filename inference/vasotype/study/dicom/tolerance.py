"""How odd headers are met while we read: pydicom is told neither to judge nor to speak.

Its complaints quote the values they are about, and those may be a patient's.
"""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

import pydicom.config

_PYDICOM = logging.getLogger("pydicom")


@contextmanager
def tolerant_reading() -> Iterator[None]:
    """Read without validation, warnings and log lines of pydicom; its settings are put back."""
    mode, level = pydicom.config.settings.reading_validation_mode, _PYDICOM.level
    pydicom.config.settings.reading_validation_mode = pydicom.config.IGNORE
    _PYDICOM.setLevel(logging.CRITICAL)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        pydicom.config.settings.reading_validation_mode = mode
        _PYDICOM.setLevel(level)
