"""Even out the receive coils' smooth shading inside the brain (N4, SimpleITK).

Source: N. J. Tustison et al., IEEE Trans. Med. Imaging 29 (2010) 1310-1320.
"""

from __future__ import annotations

import numpy as np

from vasotype.prepare.resample import resample, shrink
from vasotype.stages import Array, Grid, Mask, Volume

FIELD_MM = 8.0
"""The field is so smooth that blocks of this size show all of it."""
ITERATIONS = (20, 20, 15)
"""At each of three meshes; the finest has four spans along an axis, some 40 mm each, so that the
field follows coils and not lesions. Ours."""


def correct_bias(image: Array, inside: Mask, grid: Grid) -> Array:
    """Divide a structural image [X, Y, Z] by the bias field that N4 finds in it.

    Only voxels ``inside`` (the brain where the image has values) shape the field, and its mean
    logarithm there is 0. Comes back untouched where hardly any voxel of them is positive.
    """
    weight = shrink(Volume(inside.astype(np.float32), grid), FIELD_MM)
    total = shrink(Volume(image * inside, grid), FIELD_MM)
    mean = np.asarray(total.data / np.maximum(weight.data, 1e-6), dtype=np.float32)
    usable = (weight.data > 0.5) & (mean > 0)
    if usable.sum() < 100:
        return image
    log_field = _log_field(mean, usable)
    log_field -= log_field[usable].mean()
    # Beyond the brain a spline goes astray.
    low, high = log_field[usable].min(), log_field[usable].max()
    field = resample(np.clip(log_field, low, high), total.grid, grid)
    return np.asarray(image / np.exp(field), dtype=np.float32)


def _log_field(mean: Array, usable: Mask) -> Array:
    import SimpleITK as sitk

    image = sitk.GetImageFromArray(np.where(usable, mean, 0).astype(np.float32))
    n4 = sitk.N4BiasFieldCorrectionImageFilter()
    n4.SetNumberOfThreads(1)
    n4.SetMaximumNumberOfIterations(ITERATIONS)
    n4.Execute(image, sitk.GetImageFromArray(usable.astype(np.uint8)))
    return np.asarray(sitk.GetArrayFromImage(n4.GetLogBiasFieldAsImage(image)), dtype=np.float32)
