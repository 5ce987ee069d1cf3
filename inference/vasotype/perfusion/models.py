"""Forward models of contrast kinetics in tissue, each with curves [T, V] in mM.

``plasma`` [T] is the arterial plasma concentration, mM, at ``times_s`` [T]; it is taken as linear
between samples. Parameters are arrays [V]: ``ktrans`` and ``ps`` in 1/s, ``ve`` and ``vp`` as
fractions (0-1) of the tissue volume. OSIPI codes: Tofts M.IC1.004, extended Tofts M.IC1.005,
Patlak M.IC1.006.
"""

from __future__ import annotations

from vasotype.perfusion.convolution import cumulative_trapezoid, exponential_convolution
from vasotype.perfusion.series import Floats


def tofts(plasma: Floats, times_s: Floats, ktrans: Floats, ve: Floats) -> Floats:
    """Ktrans times the convolution of plasma with exp(-Ktrans t / ve); [T, V] (Tofts 1991)."""
    return ktrans * exponential_convolution(plasma, times_s, ktrans / ve)


def extended_tofts(
    plasma: Floats, times_s: Floats, ktrans: Floats, ve: Floats, vp: Floats
) -> Floats:
    """:func:`tofts` and the plasma inside the voxel, vp times plasma; [T, V] (Tofts 1997)."""
    return tofts(plasma, times_s, ktrans, ve) + vp * plasma[:, None]


def patlak(plasma: Floats, times_s: Floats, ps: Floats, vp: Floats) -> Floats:
    """Uptake without return: vp times plasma plus PS times its integral; [T, V] (Patlak 1983)."""
    return vp * plasma[:, None] + ps * cumulative_trapezoid(plasma, times_s)[:, None]
