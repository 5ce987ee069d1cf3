"""One ONNX model, loaded and ready: ``Prepared`` in, ``Maps`` out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnxruntime as ort
from pydantic import ValidationError
from vasotype_models.contract import (
    CHANNELS,
    HABITATS,
    TISSUES,
    Calibration,
    Contract,
    read_calibration,
    read_contract,
    sha256,
)

from vasotype.boxes import Box
from vasotype.engine.providers import (
    CUDA,
    Device,
    choose_provider,
    cuda_unavailable,
    device_findings,
    open_session,
    usable_cores,
)
from vasotype.engine.tiles import blend, tile_boxes
from vasotype.findings import Finding, StudyError
from vasotype.result import ModelIdentity
from vasotype.stages import Array, Maps, Prepared

WIDTH = {"tissue": len(TISSUES), "habitat": len(HABITATS)}
"""Channels of each graph output."""


class Engine:
    """A loaded model.

    ``contract``, ``calibration`` and ``identity`` say which; ``provider`` is the execution
    provider that runs it; ``findings`` are what a reader should know about the latter.
    """

    def __init__(
        self, session: ort.InferenceSession, contract: Contract, calibration: Calibration
    ) -> None:
        self.contract = contract
        self.calibration = calibration
        self.identity = ModelIdentity(
            name=contract.name, version=contract.version, sha256=contract.onnx_sha256
        )
        self.provider: str = session.get_providers()[0]
        self.findings: tuple[Finding, ...] = ()
        self._session = session

    @classmethod
    def load(cls, folder: Path, device: Device = "auto", threads: int | None = None) -> Engine:
        """Load the model of a folder; ``threads`` None means every core this process may use.

        Raises StudyError ``model-damaged`` (files missing, altered, or of another kind) and
        ``cuda-unavailable`` (``device`` "cuda" without a working CUDA provider).
        """
        contract, calibration = _read_checked(folder)
        provider = choose_provider(device, ort.get_available_providers())
        session = open_session(folder / "model.onnx", provider, threads or usable_cores())
        engine = cls(session, contract, calibration)
        # The provider may be compiled in and still fail to start, which onnxruntime only logs.
        if device == "cuda" and engine.provider != CUDA:
            raise cuda_unavailable("it is installed but did not start (driver, CUDA or cuDNN)")
        engine.findings = device_findings(device, engine.provider)
        return engine

    def use_calibration(self, path: Path) -> None:
        """Let the calibration of a file take the place of the model's own.

        One that doesn't say which model it is of is a finding. Raises StudyError
        ``calibration-invalid`` (file missing, or none) and ``calibration-other-model``.
        """
        calibration = read_calibration_file(path)
        if not calibration.serves(self.identity.sha256):
            raise StudyError(
                "calibration-other-model",
                f"{path.name}: is of model {str(calibration.model_sha256)[:12]}, but "
                f"{self.identity.name} is {self.identity.sha256[:12]}",
            )
        if calibration.model_sha256 is None:
            message = f"{path.name}: doesn't say which model it is of"
            self.findings += (Finding("calibration-model-unknown", message),)
        self.calibration = calibration

    def predict(self, prepared: Prepared) -> Maps:
        """The network's answer on the prepared grid: both passes, one after the other."""
        return self.refine(prepared, self.segment(prepared))

    def segment(self, prepared: Prepared) -> Maps:
        """First pass: the structural channels alone.

        Its tissue is final, so that a segmentation never depends on perfusion; where the contract
        says so, it is the mean of two looks, which a vessel seldom deceives alike. Outside the
        brain mask everything is background.
        """
        structural = _present(prepared.structural)
        both = self._pass(prepared, structural, ("tissue", "habitat"))
        tissue, habitat = both[: WIDTH["tissue"]], both[WIDTH["tissue"] :]
        if self.contract.inference.mirror:
            tissue += self._pass(prepared, structural, ("tissue",), mirrored=True)
            tissue *= np.float32(0.5)
        tissue[:, ~prepared.mask] = 0.0
        tissue[0, ~prepared.mask] = 1.0
        habitat[:, ~prepared.mask] = 0.0
        return Maps(tissue, habitat, self.provider)

    def refine(self, prepared: Prepared, maps: Maps) -> Maps:
        """Second pass, where quantitative channels are present: it sees all, gives the habitats."""
        if prepared.channels == prepared.structural:
            return maps
        habitat = self._pass(prepared, _present(prepared.channels), ("habitat",))
        habitat[:, ~prepared.mask] = 0.0
        return replace(maps, habitat=habitat)

    def habitat(self, prepared: Prepared, channels: Sequence[str]) -> Array:
        """Habitat logits [5, X, Y, Z] of a pass that sees only ``channels`` of what is there."""
        return self._pass(prepared, _present(channels), ("habitat",))

    def _pass(
        self,
        prepared: Prepared,
        present: Array,
        outputs: Sequence[str],
        *,
        mirrored: bool = False,
    ) -> Array:
        """Chosen outputs, stacked [C, X, Y, Z], for the channels of ``present`` [7].

        A ``mirrored`` pass sees each tile from right to left.
        """
        inference = self.contract.inference
        there = np.flatnonzero(present)
        seen = slice(None, None, -1 if mirrored else 1)

        def predict(box: Box) -> Array:
            mask = prepared.mask[box][seen].astype(np.float32)
            image = np.zeros((len(CHANNELS), *mask.shape), np.float32)
            image[there] = prepared.image[(there, *box)][:, seen]
            inputs = {
                "image": image[None],
                "mask": mask[None, None],
                "present": present[None],
                "stats": prepared.stats[None].astype(np.float32),
            }
            answers: list[Array] = self._session.run(list(outputs), inputs)
            return np.concatenate([answer[0] for answer in answers])[:, seen]

        width = sum(WIDTH[output] for output in outputs)
        multiple = self.contract.grid.multiple
        boxes = tile_boxes(prepared.mask, inference.tile, inference.overlap, multiple)
        shape = (width, *prepared.grid.shape)
        return blend(boxes, predict, shape, inference.blending_sigma)


def _present(channels: Sequence[str]) -> Array:
    """Availability [7] of the named channels, 1 or 0."""
    return np.array([channel in channels for channel in CHANNELS], np.float32)


def read_calibration_file(path: Path) -> Calibration:
    """Read a calibration that is to take the place of a model's own.

    Raises StudyError ``calibration-invalid`` where the file is missing or none.
    """
    try:
        return Calibration.model_validate_json(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise StudyError("calibration-invalid", f"{path.name}: {error}") from error


def _read_checked(folder: Path) -> tuple[Contract, Calibration]:
    """Contract and calibration of a model whose graph is the one the contract names."""
    try:
        contract, calibration = read_contract(folder), read_calibration(folder)
        digest = sha256(folder / "model.onnx")
    except (OSError, ValidationError) as error:
        raise StudyError("model-damaged", f"{folder.name}: {error}") from error
    if digest != contract.onnx_sha256:
        raise StudyError(
            "model-damaged",
            f"{folder.name}/model.onnx: its sha256 must be the contract's, but it is {digest}",
        )
    if not calibration.serves(digest):
        raise StudyError(
            "model-damaged",
            f"{folder.name}/calibration.json: is of another network, {calibration.model_sha256}",
        )
    channels = tuple(channel.name for channel in contract.channels)
    if channels != CHANNELS:
        raise StudyError(
            "model-damaged",
            f"{folder.name}/contract.json: channels must be {CHANNELS}, but they are {channels}",
        )
    return contract, calibration
