"""Find, read and check the files of a study."""

from vasotype.study.discover import find_named_studies, find_studies
from vasotype.study.read import read_study

__all__ = ["find_named_studies", "find_studies", "read_study"]
