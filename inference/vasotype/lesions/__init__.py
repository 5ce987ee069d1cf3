"""From tissue probabilities to lesions: which there are, where they lie, how large they are."""

from vasotype.lesions.find import find_lesions

__all__ = ["find_lesions"]
