"""Where the network runs: execution provider and threads."""

from __future__ import annotations

import os
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

import onnxruntime as ort

from vasotype.findings import Finding, StudyError

Device = Literal["auto", "cpu", "cuda"]
CPU = "CPUExecutionProvider"
CUDA = "CUDAExecutionProvider"

# TF32 rounds products to 10 bits, too coarse to agree with the CPU within 1e-3; an exhaustive
# search for convolution algorithms would start afresh at each new tile shape.
CUDA_OPTIONS = {"use_tf32": "0", "cudnn_conv_algo_search": "HEURISTIC"}

CGROUP_QUOTA = Path("/sys/fs/cgroup/cpu.max")
NVIDIA_DRIVER = Path("/proc/driver/nvidia")


def choose_provider(device: Device, available: Sequence[str]) -> str:
    """Execution provider for a device, out of those that onnxruntime has.

    Raises StudyError ``cuda-unavailable`` when CUDA is demanded and not there.
    """
    if device == "cpu":
        return CPU
    if CUDA in available:
        return CUDA
    if device == "cuda":
        raise cuda_unavailable(f"onnxruntime offers {', '.join(available)}")
    return CPU


def cuda_unavailable(why: str) -> StudyError:
    """The refusal when CUDA is demanded and can't be had."""
    return StudyError("cuda-unavailable", f"--device cuda: {CUDA} can't be used; {why}")


def device_findings(device: Device, provider: str) -> tuple[Finding, ...]:
    """A note when ``auto`` fell back to the CPU beside a GPU."""
    if device != "auto" or provider != CPU or not gpu_seems_present():
        return ()
    return (Finding("cuda-not-used", "An NVIDIA GPU is there, but onnxruntime ran on the CPU."),)


def gpu_seems_present() -> bool:
    """Whether an NVIDIA driver or its tool is installed."""
    return NVIDIA_DRIVER.exists() or shutil.which("nvidia-smi") is not None


def usable_cores() -> int:
    """Cores this process may use: its affinity, within a container's quota.

    onnxruntime counts the host's cores instead and would oversubscribe a limited container.
    """
    if hasattr(os, "sched_getaffinity"):
        cores = len(os.sched_getaffinity(0))
    else:  # macOS and Windows have no such call
        cores = os.cpu_count() or 1
    try:
        quota, period = CGROUP_QUOTA.read_text(encoding="ascii").split()
    except (OSError, ValueError):
        return cores
    return cores if quota == "max" else max(1, min(cores, round(int(quota) / int(period))))


def open_session(model: Path, provider: str, threads: int) -> ort.InferenceSession:
    """An ONNX file, ready to run."""
    options = ort.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    # Idle threads that spin take cores from other jobs; layers this large don't feel the wake-up.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    providers: list[Any] = [(CUDA, CUDA_OPTIONS), CPU] if provider == CUDA else [CPU]
    return ort.InferenceSession(str(model), sess_options=options, providers=providers)
