"""Whether a closing blood-brain barrier may explain a change, rather than the tumor (WF-09).

Anti-VEGF treatment and steroids tighten vessels: permeability, enhancement and edema fall whatever
the tumor does. None of them tells a change towards co-option then; blood volume and amino-acid
uptake still do.
"""

from __future__ import annotations

from vasotype.followup.moved import (
    CORE,
    EDEMA,
    EDEMA_RATIO,
    ENHANCEMENT,
    KTRANS,
    RCBV,
    TBR,
    Moved,
)
from vasotype.followup.treatment import Treatment

INDEPENDENT = ("rcbv_", "tbr_")
"""How the names of features begin that a closing barrier does not lower."""


def independent(feature: str) -> bool:
    """Whether a feature still tells a mode while the barrier closes."""
    return feature.startswith(INDEPENDENT)


def restored(moved: Moved, treatment: Treatment, *, to_co_option: bool) -> bool | None:
    """Whether a restored barrier explains a change; None where that can't be excluded.

    It does under a treatment that closes it, where permeability, enhancement and edema fell beyond
    their limits, blood volume held and the tumor did not shrink. Short of that it can't be excluded
    while such a treatment is given, or not known, unless something speaks against it: permeability
    or enhancement grew, or blood volume or TBR fell. Where the leaning went towards co-option
    (``to_co_option``) a fall within its limit is enough for doubt, else it takes one beyond.
    """
    if treatment.closes_barrier is False or moved.up(KTRANS, ENHANCEMENT):
        return False
    if _whole_picture(moved) and treatment.closes_barrier:
        return True
    if moved.down(RCBV, TBR):
        return False
    hint = moved.down(KTRANS, ENHANCEMENT)
    if to_co_option:
        hint = hint or moved.fell(KTRANS, ENHANCEMENT, EDEMA, EDEMA_RATIO)
    return None if hint else False


def _whole_picture(moved: Moved) -> bool:
    fell = all(moved.down(name) for name in (KTRANS, ENHANCEMENT, EDEMA))
    return fell and moved.went(RCBV) == "within limit" and not moved.down(CORE)
