"""Which sequence is a series, told by physics, contrast and names, each decision with reasons."""

from vasotype.study.identify.engine import Identified, identify_series
from vasotype.study.identify.rules import Kind, Rulebook, default_rules, parse_rules

__all__ = ["Identified", "Kind", "Rulebook", "default_rules", "identify_series", "parse_rules"]
