"""The simulator: metastases and their look-alikes in real and painted brains, with full truth."""

from vasotype_training.simulate.anatomy import Anatomy, Source
from vasotype_training.simulate.shape import read_outlines
from vasotype_training.simulate.sources import find_sources
from vasotype_training.simulate.study import StudyOptions, simulate_study, write_cohort

__all__ = [
    "Anatomy",
    "Source",
    "StudyOptions",
    "find_sources",
    "read_outlines",
    "simulate_study",
    "write_cohort",
]
