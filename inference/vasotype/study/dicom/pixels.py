"""Stored pixels of a slice, decoded and rescaled."""

from __future__ import annotations

import functools

import numpy as np
import pydicom
from numpy.typing import NDArray
from pydicom.dataset import FileDataset
from pydicom.pixels.utils import pixel_array
from pydicom.uid import UID, JPEGExtended12Bit

from vasotype.findings import StudyError
from vasotype.stages import Array
from vasotype.study.dicom.frames import Frame
from vasotype.study.dicom.sources import Source

MAXIMAL_SIDE = 4096
MAXIMAL_VOXELS = 400_000_000
"""1.6 GB of float32: ten times a large head volume."""


def fill(frames: list[Frame], volume: Array, name: str) -> None:
    """Decode slices into ``volume`` [X, Y, Z], X along the columns, Y along the rows.

    Values are rescaled by each slice's own slope and intercept; padding becomes 0. ``name`` is the
    series' in messages. Raises StudyError ``unreadable-image``, ``unsupported-compression`` or
    ``non-finite-voxels``.
    """

    @functools.lru_cache(maxsize=1)  # frames of one object mostly follow each other
    def opened(source: Source) -> FileDataset:
        return _open(source, name)

    for z, frame in enumerate(frames):
        stored = _decode(opened(frame.source), frame.index, name)
        if stored.shape != volume.shape[1::-1]:
            raise StudyError(
                "unreadable-image",
                f"{name}: a slice holds {stored.shape} pixels, its header says otherwise",
            )
        values = _rescaled(frame, stored)
        if not np.isfinite(values).all():
            raise StudyError("non-finite-voxels", f"{name}: a slice's rescale is out of range")
        volume[:, :, z] = values.T


def same_pixels(first: Source, second: Source) -> bool:
    """Whether two objects hold equal pixels, however they are compressed."""
    try:
        a, b = (pixel_array(_open(source, "a file")) for source in (first, second))
    except Exception:  # as of decoders below
        return False
    return bool(np.array_equal(a, b))


def _open(source: Source, name: str) -> FileDataset:
    with source.open() as stream:
        try:
            dataset = pydicom.dcmread(stream, force=True)
        except Exception as error:
            raise StudyError("unreadable-image", f"{name}: a file is cut short") from error
    syntax = dataset.file_meta.get("TransferSyntaxUID") if dataset.file_meta else None
    if syntax is None:  # written without file meta information: what pydicom assumed in reading it
        implicit, little = dataset.original_encoding
        syntax = _plain_syntax(implicit is not False, little is not False)
        dataset.file_meta.TransferSyntaxUID = syntax
    if syntax == JPEGExtended12Bit:
        raise StudyError(
            "unsupported-compression",
            f"{name}: compressed as {UID(syntax).name}, which no decoder here reads right",
        )
    return dataset


def _plain_syntax(implicit: bool, little: bool) -> UID:
    if implicit:
        return pydicom.uid.ImplicitVRLittleEndian
    return pydicom.uid.ExplicitVRLittleEndian if little else pydicom.uid.ExplicitVRBigEndian


def _decode(dataset: FileDataset, index: int, name: str) -> NDArray[np.integer]:
    try:
        single = int(dataset.get("NumberOfFrames") or 1) == 1
        stored = pixel_array(dataset, index=None if single else index)
    except Exception as error:  # every decoder has kinds of its own, and the input is untrusted
        message = f"{name}: pixels can't be decoded; a file is damaged or cut short"
        raise StudyError("unreadable-image", message) from error
    return np.asarray(stored)


def _rescaled(frame: Frame, stored: NDArray[np.integer]) -> Array:
    slope = frame.tags.number("RescaleSlope")
    intercept = frame.tags.number("RescaleIntercept")
    with np.errstate(over="ignore", invalid="ignore"):  # what float32 can't hold is refused
        values = stored.astype(np.float32)
        values *= np.float32(1.0 if slope is None else slope)
        values += np.float32(0.0 if intercept is None else intercept)
    padding = frame.tags.number("PixelPaddingValue")
    if padding is not None:
        # The value may have been written with the wrong sign; equal bits mean padding.
        low = np.array(int(padding)).astype(stored.dtype)
        limit = frame.tags.number("PixelPaddingRangeLimit")
        high = low if limit is None else np.array(int(limit)).astype(stored.dtype)
        values[(stored >= min(low, high)) & (stored <= max(low, high))] = 0.0
    return values
