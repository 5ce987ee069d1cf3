"""From dynamic series to quantitative maps: DSC to relative blood volume, DCE to Ktrans.

:func:`analyse_dsc` and :func:`analyse_dce` are the two ways in; both take arrays and give arrays.
Files are read and written by :mod:`vasotype.study.dynamic` and :mod:`vasotype.perfusion.write`.
Inside, rates are in 1/s, concentrations in mM and volumes fractions.
"""

from vasotype.perfusion.dce import DceInputs, DceMaps, analyse_dce
from vasotype.perfusion.dsc import DscMaps, DscReference, analyse_dsc
from vasotype.perfusion.quality import Quality, RegionValue, summarise, valid_voxels
from vasotype.perfusion.series import (
    AssumedT1,
    DceSettings,
    DynamicSeries,
    FlipAngleImages,
    InputCurve,
    PerfusionSeries,
)

__all__ = [
    "AssumedT1",
    "DceInputs",
    "DceMaps",
    "DceSettings",
    "DscMaps",
    "DscReference",
    "DynamicSeries",
    "FlipAngleImages",
    "InputCurve",
    "PerfusionSeries",
    "Quality",
    "RegionValue",
    "analyse_dce",
    "analyse_dsc",
    "summarise",
    "valid_voxels",
]
