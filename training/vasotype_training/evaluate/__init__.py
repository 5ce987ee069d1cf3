"""How good a model is: lesions found, outlines, phenotypes, with intervals and provenance."""

from vasotype_training.evaluate.checking import check
from vasotype_training.evaluate.figures import Figure, Figures, Settings
from vasotype_training.evaluate.predictions import Reuse
from vasotype_training.evaluate.recorded import (
    Comparison,
    Recorded,
    compare,
    compare_all,
    read_recorded,
    record,
)
from vasotype_training.evaluate.run import Options, evaluate
from vasotype_training.evaluate.tumor_free import TumorFree

__all__ = [
    "Comparison",
    "Figure",
    "Figures",
    "Options",
    "Recorded",
    "Reuse",
    "Settings",
    "TumorFree",
    "check",
    "compare",
    "compare_all",
    "evaluate",
    "read_recorded",
    "record",
]
