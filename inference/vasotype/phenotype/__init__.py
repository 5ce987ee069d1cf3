"""From lesions to leanings: how each seems to get its blood, and how sure that is."""

from vasotype.phenotype.reading import read_phenotypes

__all__ = ["read_phenotypes"]
