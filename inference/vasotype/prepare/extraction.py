"""Brain extraction: from a whole head to the brain and its white matter, grey matter and CSF.

The network is the small one of ``vasotype_models/brain``. It works on a coarse grid around the
head; its probabilities, not its mask, come back to the head's own grid, so the outline is finer
than the grid it was found on.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
import onnxruntime as ort
from scipy import ndimage
from vasotype_models.brain_contract import BrainContract, read_brain_contract
from vasotype_models.contract import sha256

from vasotype.boxes import bounding_box
from vasotype.engine.locate import find_model
from vasotype.engine.providers import CPU, open_session, usable_cores
from vasotype.findings import StudyError
from vasotype.prepare.brain import fill_holes, largest_component
from vasotype.prepare.resample import lowpass, resample, window
from vasotype.stages import Array, Grid, Mask, Volume
from vasotype.study.geometry import closest_canonical

Shape = tuple[int, int, int]

NO_BRAIN_BELOW = 0.6
"""Mean probability inside a mask below which it is no brain. The limit is ours."""


@dataclass(frozen=True)
class Extraction:
    """The brain in a head, on the head's own grid [X, Y, Z].

    ``mask`` is the brain with the CSF of its sulci and ventricles and what grows in it; ``white``,
    ``grey`` and ``csf`` are float32 probabilities that add up to at most 1. ``certainty`` is the
    mean probability of brain inside the mask.
    """

    mask: Mask
    white: Array
    grey: Array
    csf: Array
    certainty: float


def extract_brain(
    head: Volume, threads: int | None = None, model: str | Path = "brain"
) -> Extraction:
    """Find the brain in a T1, T1c, T2 or FLAIR image of a whole head.

    ``threads`` None means every core this process may use; ``model`` is an installed brain network
    or a folder with one. Raises StudyError ``model-unknown`` and ``model-damaged`` for the model,
    ``empty-image`` for an image of one value and ``no-brain`` where no brain is seen in it.
    """
    contract, session = _network(str(model), threads or usable_cores())
    threshold = np.float32(contract.inference.threshold)
    field = coarse_grid(head.grid, contract.grid.spacing_mm)
    image = resample(lowpass(head.data, head.grid, field), head.grid, field)
    spans = head_spans(image, contract, head.name)
    # What lies around the brain sways the network, so a second look is at the brain alone; taken
    # twice, it hangs less on where the network's own coarse voxels happen to lie.
    for looks in ((False,), (False, True)):
        start, box = _around(spans, field, contract)
        answers = [_look(session, image, start, box.shape, mirrored=look) for look in looks]
        brain, *tissue = np.mean(answers, axis=0)
        outline = tidy(brain, contract)
        if not outline.any():
            raise StudyError("no-brain", f"{head.name}: no brain is to be seen in this image")
        spans = [
            slice(span.start + first, span.stop + first)
            for span, first in zip(bounding_box(outline), start, strict=True)
        ]
    certainty = float(brain[outline].mean())
    if certainty < NO_BRAIN_BELOW:
        message = f"what looks most like one has a mean probability of {certainty:.2f}"
        raise StudyError(
            "no-brain", f"{head.name}: no brain is to be seen in this image; {message}"
        )
    # Probabilities are interpolated, so that the edge is finer than the grid; where tidying
    # overruled them, its verdict stands.
    beside = np.where(brain < threshold, brain, np.float32(0))
    mask = resample(np.where(outline, np.maximum(brain, threshold), beside), box, head.grid)
    mask = mask >= threshold
    csf, grey, white = (resample(share, box, head.grid) * mask for share in tissue)
    return Extraction(mask, white, grey, csf, certainty)


def _look(
    session: ort.InferenceSession, image: Array, start: Shape, shape: Shape, *, mirrored: bool
) -> Array:
    """Probabilities of brain and of its three tissues [4, X, Y, Z] in a box of ``image``.

    A mirrored look sees the box from right to left, one voxel further along each axis.
    """
    step = int(mirrored)
    first = (start[0] - step, start[1] - step, start[2] - step)
    part = window(image, first, shape, fill=float(image.min()))
    seen = np.ascontiguousarray(part[::-1]) if mirrored else part
    inputs = {"image": seen[None, None], "ends": np.array([intensity_ends(part)], np.float32)}
    answer = np.concatenate([a[0] for a in session.run(["brain", "tissue"], inputs)])
    if not mirrored:
        return answer
    # The plane that is lost at the far end lies in the margin, where there is no brain.
    return np.stack([window(share[::-1], (step, step, step), shape) for share in answer])


def head_spans(image: Array, contract: BrainContract, name: str) -> list[slice]:
    """Where the head lies along each axis of ``image`` [X, Y, Z], on the network's grid.

    Downwards no further than a brain can reach below the vertex: neck and face sway the network.
    Raises StudyError ``empty-image`` where all voxels have one value.
    """
    low, high = intensity_ends(image)
    lit = image > low + contract.inference.head_level * (high - low)
    if not high > low or not lit.any():
        raise StudyError("empty-image", f"{name}: all voxels have the same value")
    right, front, up = bounding_box(largest_component(lit))
    height = round(contract.inference.height_mm / contract.grid.spacing_mm)
    return [right, front, slice(max(up.start, up.stop - height), up.stop)]


def _around(spans: Sequence[slice], field: Grid, contract: BrainContract) -> tuple[Shape, Grid]:
    """First voxel and grid of a box around ``spans`` with margins, which may reach beyond
    ``field``; its sides are what the network accepts and was trained on."""
    rules = contract.grid
    start, shape = [], []
    for span, most in zip(spans, rules.largest_shape, strict=True):
        size = span.stop - span.start
        least = max(size + 2 * contract.inference.margin_voxels, rules.minimal_side)
        side = min(math.ceil(least / rules.multiple) * rules.multiple, most)
        start.append(span.start - (side - size) // 2)
        shape.append(side)
    affine = field.affine.copy()
    affine[:3, 3] += affine[:3, :3] @ start
    return (start[0], start[1], start[2]), Grid((shape[0], shape[1], shape[2]), affine)


def intensity_ends(image: Array) -> tuple[float, float]:
    """Dark and bright end of a head's intensities, in its units.

    The 1st percentile of ``image`` [X, Y, Z], which is cropped to the head, and the 99th of what
    is brighter than its mean: air in the corners of the crop shifts neither by much.
    """
    bright = image[image > image.mean()]
    low = float(np.percentile(image, 1))
    return low, float(np.percentile(bright, 99)) if bright.size else low + 1.0


def tidy(brain: Array, contract: BrainContract) -> Mask:
    """One solid brain out of its probability [X, Y, Z] on the network's grid."""
    rules = contract.inference
    raw = brain >= rules.threshold
    near = ndimage.generate_binary_structure(3, 1)
    core = ndimage.binary_erosion(raw, near, iterations=rules.opening_voxels)
    if not core.any():
        return np.zeros_like(raw)
    core = largest_component(core)
    # What the cut took from the brain itself comes back; what hung on by a bridge does not.
    whole = raw & ndimage.binary_dilation(core, near, iterations=rules.opening_voxels + 1)
    margin = rules.closing_voxels + 1
    padded = np.pad(whole, margin)
    closed = ndimage.binary_closing(padded, near, iterations=rules.closing_voxels)
    inside = (slice(margin, -margin),) * 3
    return fill_holes(closed[inside] | whole)


def coarse_grid(native: Grid, spacing_mm: float) -> Grid:
    """Grid of ``spacing_mm`` over the field of view of ``native``, which shares its centre."""
    canonical = closest_canonical(native)
    count = np.array(canonical.shape)
    step = spacing_mm / np.array(canonical.spacing_mm)
    shape = np.maximum(np.ceil(count / step).astype(int), 1)
    affine = canonical.affine.copy()
    affine[:3, :3] = canonical.affine[:3, :3] * step
    first = ((count - 1) - (shape - 1) * step) / 2
    affine[:3, 3] = canonical.affine[:3, :3] @ first + canonical.affine[:3, 3]
    return Grid((int(shape[0]), int(shape[1]), int(shape[2])), affine)


@lru_cache(maxsize=2)
def _network(model: str, threads: int) -> tuple[BrainContract, ort.InferenceSession]:
    """A brain network, checked and loaded once."""
    folder = find_model(model)
    try:
        contract = read_brain_contract(folder)
        digest = sha256(folder / "model.onnx")
    except (OSError, ValueError) as error:
        raise StudyError("model-damaged", f"{folder.name}: {error}") from error
    if digest != contract.onnx_sha256:
        raise StudyError(
            "model-damaged",
            f"{folder.name}/model.onnx: its sha256 must be the contract's, but it is {digest}",
        )
    return contract, open_session(folder / "model.onnx", CPU, threads)
