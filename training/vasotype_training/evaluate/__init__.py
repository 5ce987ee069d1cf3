"""How good a model is: lesions found, outlines, phenotypes, with intervals and provenance."""

from vasotype_training.evaluate.figures import Figure, Figures, compare
from vasotype_training.evaluate.run import Options, evaluate
from vasotype_training.evaluate.tumor_free import TumorFree

__all__ = ["Figure", "Figures", "Options", "TumorFree", "compare", "evaluate"]
