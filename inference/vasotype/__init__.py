"""vasotype: brain metastases on MRI, segmented, measured, and read for how each gets its blood.

>>> import vasotype
>>> model = vasotype.load()  # doctest: +SKIP
>>> result = model.run("study")  # doctest: +SKIP

A written result is read back with ``vasotype.Result.read(folder)``.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from vasotype.findings import StudyError
    from vasotype.outputs import OutputOptions
    from vasotype.pipeline import load
    from vasotype.result import Result

__version__ = "0.6.0"
__all__ = ["OutputOptions", "Result", "StudyError", "__version__", "load"]

_HOMES = {
    "OutputOptions": "vasotype.outputs",
    "Result": "vasotype.result",
    "StudyError": "vasotype.findings",
    "load": "vasotype.pipeline",
}


def __getattr__(name: str) -> Any:
    """Import a public name when it is first asked for, so that the package itself stays light."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)
