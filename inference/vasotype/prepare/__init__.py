"""Bring a study onto the model's grid, and results back onto the study's."""

from vasotype.prepare.intensity import intensity_stats
from vasotype.prepare.resample import resample, to_native
from vasotype.prepare.stage import prepare

__all__ = ["intensity_stats", "prepare", "resample", "to_native"]
