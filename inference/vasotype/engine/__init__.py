"""The network at work: session, execution provider, tiling.

Gives :class:`Engine`, which turns a ``Prepared`` into ``Maps``.
"""

from vasotype.engine.session import Engine

__all__ = ["Engine"]
