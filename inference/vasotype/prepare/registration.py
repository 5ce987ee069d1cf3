"""Rigid registration of one image to another, by Mattes mutual information (SimpleITK).

A pose is a rigid motion [4, 4], RAS+ mm, that carries positions in the fixed image to positions in
the moving one. Its inverse times the moving image's affine is the affine that image should have
had, so whatever is resampled afterwards is interpolated once.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from typing import TYPE_CHECKING

import numpy as np
from scipy import ndimage

from vasotype.prepare.resample import shrink
from vasotype.prepare.similarity import Probe, invert, rigid_motion
from vasotype.stages import Affine, Grid, Mask, Volume
from vasotype.study.geometry import closest_canonical, positions, same_sampling

if TYPE_CHECKING:
    import SimpleITK as sitk

COARSE_MM, MIDDLE_MM, FINE_MM = 4.0, 2.0, 1.0
SAMPLES = {COARSE_MM: 15_000, MIDDLE_MM: 30_000, FINE_MM: 60_000}
"""Points at which each level compares the images."""
STARTS = 3
TURNS_DEGREES = (-30.0, 30.0)
"""First rotations about each axis, where the header may be far off."""
MASK_MARGIN_MM = 6.0
"""The skull's inner edge helps, the scalp and jaw move on their own."""
SECOND_START = np.array([2.0, -2.0, 2.0, 0.04, 0.04, -0.04])
"""mm and radians by which the second, independent run starts elsewhere."""
AWAY_MM = 20.0
LPS = np.diag([-1.0, -1.0, 1.0, 1.0])
"""ITK's world has its first two axes the other way round."""


@dataclass(frozen=True)
class Registration:
    """What registration found.

    ``pose`` is from fixed to moving; ``distinctness`` is the mutual information of the brain
    there, divided by its mean over poses 20 mm away. ``spread_mm`` is how far two runs from
    different starts ended apart, ``moved_mm`` how far the pose moves the brain on the mean,
    ``turned_degrees`` by which angle. ``inside`` is the share of the brain in the moving image's
    field of view.
    """

    pose: Affine
    distinctness: float
    spread_mm: float
    moved_mm: float
    turned_degrees: float
    inside: float


def register(fixed: Volume, brain: Mask, moving: Volume) -> Registration:
    """Find the rigid pose of ``moving`` in which it shows what ``fixed`` shows.

    ``brain`` [X, Y, Z] lies on the fixed grid. The search begins on whole images of 4 mm without
    any mask, from the header's pose and from others that bring the images' centres together; then
    two runs of 2 mm and one of 1 mm look at the brain and its surroundings. Runs on one thread and
    always ends alike.
    """
    found = _coarse(fixed, moving)
    near = _surroundings(brain, fixed.grid)
    probe = Probe.draw(fixed, brain, shrink(moving, FINE_MM))
    elsewhere = found @ rigid_motion(SECOND_START[:3], SECOND_START[3:], probe.centre)
    middle = Level(fixed, moving, MIDDLE_MM, near)
    first, second = middle.refine(found, seed=1), middle.refine(elsewhere, seed=2)
    pose = Level(fixed, moving, FINE_MM, near).refine(first, seed=3)
    if probe.information(pose) < probe.information(np.eye(4)):
        pose = np.eye(4)  # nothing better than the header was found
    turn = np.clip((np.trace(pose[:3, :3]) - 1) / 2, -1, 1)
    return Registration(
        pose=pose,
        distinctness=_distinctness(probe, pose),
        spread_mm=probe.displacement_mm(first, second),
        moved_mm=probe.displacement_mm(pose, np.eye(4)),
        turned_degrees=float(np.degrees(np.arccos(turn))),
        inside=probe.share_inside(pose),
    )


class Level:
    """Two images of one resolution, ready for the optimiser.

    Where ``near`` [X, Y, Z] on the fixed grid is given, only its voxels count.
    """

    def __init__(
        self, fixed: Volume, moving: Volume, spacing_mm: float, near: Mask | None = None
    ) -> None:
        whole = shrink(fixed, spacing_mm)
        self._moving = _to_itk(shrink(moving, spacing_mm))
        self._samples = SAMPLES[spacing_mm]
        self._step_mm = spacing_mm
        self._mask: sitk.Image | None = None
        if near is not None:
            held = shrink(Volume(near.astype(np.float32), fixed.grid), spacing_mm)
            box = ndimage.find_objects((held.data > 0.5).view(np.uint8))[0]
            whole, held = _crop(whole, box), _crop(held, box)
            self._mask = _to_itk(Volume((held.data > 0.5).astype(np.uint8), held.grid))
        self._fixed = _to_itk(whole)
        self.centre = positions(whole.grid.affine, (np.array([whole.grid.shape]) - 1) / 2)[0]

    def refine(self, pose: Affine, seed: int) -> Affine:
        """The best pose near ``pose``; ``seed`` is not 0, which would mean the time of day."""
        import SimpleITK as sitk

        method = sitk.ImageRegistrationMethod()
        method.SetNumberOfThreads(1)
        method.SetMetricAsMattesMutualInformation(numberOfHistogramBins=32)
        method.SetMetricSamplingStrategy(method.RANDOM)
        voxels = self._fixed.GetNumberOfPixels()
        method.SetMetricSamplingPercentage(min(1.0, self._samples / voxels), seed)
        if self._mask is not None:
            method.SetMetricFixedMask(self._mask)
        method.SetInterpolator(sitk.sitkLinear)
        method.SetOptimizerAsRegularStepGradientDescent(
            learningRate=self._step_mm,
            minStep=self._step_mm / 200,
            numberOfIterations=80,
            relaxationFactor=0.6,
            gradientMagnitudeTolerance=1e-7,
        )
        method.SetOptimizerScalesFromPhysicalShift()
        transform = _to_euler(pose, self.centre)
        method.SetInitialTransform(transform, inPlace=True)
        try:
            method.Execute(self._fixed, self._moving)
        except RuntimeError:  # the images lie too far apart to be compared
            return pose
        return _from_euler(transform)


def _coarse(fixed: Volume, moving: Volume) -> Affine:
    """The best pose of whole images, from several starts."""
    small_fixed, small_moving = shrink(fixed, COARSE_MM), shrink(moving, COARSE_MM)
    everywhere = np.ones(small_fixed.grid.shape, dtype=bool)
    probe = Probe.draw(small_fixed, everywhere, small_moving, points=6000)
    candidates = sorted(_starts(small_fixed, small_moving), key=probe.information, reverse=True)
    level = Level(small_fixed, small_moving, COARSE_MM)
    starts = [np.eye(4), *candidates[: STARTS - 1]]
    return max((level.refine(start, seed=4) for start in starts), key=probe.information)


def _distinctness(probe: Probe, pose: Affine) -> float:
    away = [
        probe.information(pose @ rigid_motion(sign * shift, np.zeros(3), probe.centre))
        for shift, sign in product(AWAY_MM * np.eye(3), (-1, 1))
    ]
    return probe.information(pose) / max(float(np.mean(away)), 1e-6)


def _starts(fixed: Volume, moving: Volume) -> Iterator[Affine]:
    """Poses to begin with: centres brought together in several ways, each with some rotations."""
    here = _centre_of_mass(fixed)
    middle, other = (
        positions(v.grid.affine, (np.array([v.grid.shape]) - 1) / 2)[0] for v in (fixed, moving)
    )
    shifts = [np.zeros(3), other - middle, _centre_of_mass(moving) - here]
    turns = [np.zeros(3)]
    for axis, degrees in product(range(3), TURNS_DEGREES):
        turns.append(np.radians(degrees) * np.eye(3)[axis])
    for shift, turn in product(shifts, turns):
        yield rigid_motion(shift, turn, here)
    a, b = closest_canonical(fixed.grid), closest_canonical(moving.grid)
    if same_sampling(a, b):  # perhaps copies on one grid, of which one lost its place
        yield b.affine @ invert(a.affine)


def _centre_of_mass(volume: Volume) -> Affine:
    weight = np.clip(volume.data - np.percentile(volume.data, 25), 0, None)
    return np.asarray(positions(volume.grid.affine, np.array([ndimage.center_of_mass(weight)]))[0])


def _surroundings(brain: Mask, grid: Grid) -> Mask:
    away = ndimage.distance_transform_edt(~brain, sampling=grid.spacing_mm)
    return np.asarray(away <= MASK_MARGIN_MM)


def _crop(volume: Volume, box: tuple[slice, ...]) -> Volume:
    affine = volume.grid.affine.copy()
    affine[:3, 3] = positions(affine, np.array([[span.start for span in box]]))[0]
    data = np.ascontiguousarray(volume.data[box])
    return Volume(data, Grid((data.shape[0], data.shape[1], data.shape[2]), affine))


def _to_itk(volume: Volume) -> sitk.Image:
    import SimpleITK as sitk

    image = sitk.GetImageFromArray(np.ascontiguousarray(volume.data.transpose(2, 1, 0)))
    affine = LPS @ volume.grid.affine
    image.SetSpacing(volume.grid.spacing_mm)
    image.SetOrigin(affine[:3, 3].tolist())
    image.SetDirection((affine[:3, :3] / volume.grid.spacing_mm).ravel().tolist())
    return image


def _to_euler(pose: Affine, centre: Affine) -> sitk.Euler3DTransform:
    import SimpleITK as sitk

    lps, pivot = LPS @ pose @ LPS, LPS[:3, :3] @ centre
    transform = sitk.Euler3DTransform()
    transform.SetCenter(pivot.tolist())
    transform.SetMatrix(lps[:3, :3].ravel().tolist(), 1e-6)
    transform.SetTranslation((lps[:3, :3] @ pivot + lps[:3, 3] - pivot).tolist())
    return transform


def _from_euler(transform: sitk.Euler3DTransform) -> Affine:
    lps = np.eye(4)
    lps[:3, :3] = np.reshape(transform.GetMatrix(), (3, 3))
    pivot = np.array(transform.GetCenter())
    lps[:3, 3] = np.array(transform.GetTranslation()) + pivot - lps[:3, :3] @ pivot
    return np.asarray(LPS @ lps @ LPS)
