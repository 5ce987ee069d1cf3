"""The network at work: session, execution provider, tiling.

Gives :class:`Engine`, which turns a ``Prepared`` into ``Maps``, and :func:`find_model`.
"""

from vasotype.engine.locate import find_model
from vasotype.engine.session import Engine, read_calibration_file

__all__ = ["Engine", "find_model", "read_calibration_file"]
