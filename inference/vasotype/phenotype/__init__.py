"""From lesions to leanings: how each seems to get its blood, and how sure that is."""

from vasotype.phenotype.features import adjust_edema
from vasotype.phenotype.reading import LesionInput, lesion_inputs, read_phenotypes

__all__ = ["LesionInput", "adjust_edema", "lesion_inputs", "read_phenotypes"]
