"""How a study was acquired: held against a protocol, and against what the model needs."""

from vasotype.acquisition.check import acquisition_findings, check, minutes_after_contrast

__all__ = ["acquisition_findings", "check", "minutes_after_contrast"]
