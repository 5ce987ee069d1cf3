"""One ONNX model, loaded and ready: ``Prepared`` in, ``Maps`` out."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

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

from vasotype.engine.providers import (
    CPU,
    CUDA,
    Device,
    choose_provider,
    cuda_unavailable,
    device_findings,
    usable_cores,
)
from vasotype.engine.tiles import Box, blend, tile_boxes
from vasotype.findings import Finding, StudyError
from vasotype.result import ModelIdentity
from vasotype.stages import Array, Maps, Prepared

WIDTH = {"tissue": len(TISSUES), "habitat": len(HABITATS)}
"""Channels of each graph output."""

# TF32 rounds products to 10 bits, too coarse to agree with the CPU within 1e-3; an exhaustive
# search for convolution algorithms would start afresh at each new tile shape.
CUDA_OPTIONS = {"use_tf32": "0", "cudnn_conv_algo_search": "HEURISTIC"}


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
        session = _session(folder / "model.onnx", provider, threads or usable_cores())
        engine = cls(session, contract, calibration)
        # The provider may be compiled in and still fail to start, which onnxruntime only logs.
        if device == "cuda" and engine.provider != CUDA:
            raise cuda_unavailable("it is installed but did not start (driver, CUDA or cuDNN)")
        engine.findings = device_findings(device, engine.provider)
        return engine

    def predict(self, prepared: Prepared) -> Maps:
        """The network's answer on the prepared grid.

        The first pass sees the structural channels alone and its tissue is final, so that a
        segmentation never depends on perfusion. Where quantitative channels are present, a
        second pass sees all and gives the habitats. Outside the brain mask everything is
        background.
        """
        structural = _present(prepared.structural)
        if prepared.channels == prepared.structural:
            both = self._pass(prepared, structural, ("tissue", "habitat"))
            tissue, habitat = both[: WIDTH["tissue"]], both[WIDTH["tissue"] :]
        else:
            tissue = self._pass(prepared, structural, ("tissue",))
            habitat = self._pass(prepared, _present(prepared.channels), ("habitat",))
        tissue[:, ~prepared.mask] = 0.0
        tissue[0, ~prepared.mask] = 1.0
        habitat[:, ~prepared.mask] = 0.0
        return Maps(tissue, habitat, self.provider)

    def _pass(self, prepared: Prepared, present: Array, outputs: Sequence[str]) -> Array:
        """Chosen outputs, stacked [C, X, Y, Z], for the channels of ``present`` [7]."""
        inference = self.contract.inference
        there = np.flatnonzero(present)

        def predict(box: Box) -> Array:
            mask = prepared.mask[box].astype(np.float32)
            image = np.zeros((len(CHANNELS), *mask.shape), np.float32)
            image[there] = prepared.image[(there, *box)]
            inputs = {
                "image": image[None],
                "mask": mask[None, None],
                "present": present[None],
                "stats": prepared.stats[None].astype(np.float32),
            }
            answers: list[Array] = self._session.run(list(outputs), inputs)
            return np.concatenate([answer[0] for answer in answers])

        width = sum(WIDTH[output] for output in outputs)
        boxes = tile_boxes(prepared.mask, inference.tile, inference.overlap)
        shape = (width, *prepared.grid.shape)
        return blend(boxes, predict, shape, inference.blending_sigma)


def _present(channels: Sequence[str]) -> Array:
    """Availability [7] of the named channels, 1 or 0."""
    return np.array([channel in channels for channel in CHANNELS], np.float32)


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
    channels = tuple(channel.name for channel in contract.channels)
    if channels != CHANNELS:
        raise StudyError(
            "model-damaged",
            f"{folder.name}/contract.json: channels must be {CHANNELS}, but they are {channels}",
        )
    return contract, calibration


def _session(model: Path, provider: str, threads: int) -> ort.InferenceSession:
    options = ort.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    # Idle threads that spin take cores from other jobs; layers this large don't feel the wake-up.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    providers: list[Any] = [(CUDA, CUDA_OPTIONS), CPU] if provider == CUDA else [CPU]
    return ort.InferenceSession(str(model), sess_options=options, providers=providers)
