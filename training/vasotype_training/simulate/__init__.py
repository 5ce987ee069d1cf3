"""The simulator: metastases and their look-alikes in real and painted brains, with full truth."""

from vasotype_training.simulate.anatomy import Anatomy, Source
from vasotype_training.simulate.layouts import LAYOUTS
from vasotype_training.simulate.recipe import check_frozen, read_recipe
from vasotype_training.simulate.shape import read_outlines
from vasotype_training.simulate.sources import find_sources
from vasotype_training.simulate.study import StudyOptions, simulate_study, write_cohort

__all__ = [
    "LAYOUTS",
    "Anatomy",
    "Source",
    "StudyOptions",
    "check_frozen",
    "find_sources",
    "read_outlines",
    "read_recipe",
    "simulate_study",
    "write_cohort",
]
