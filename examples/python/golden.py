"""Run a model folder with numpy and onnxruntime alone, and check the port.

    python golden.py MODEL_FOLDER

feeds the input of ``golden.npz`` to ``model.onnx`` and compares the answer with the golden one.
``graph_inputs`` shows how the inputs come from images of one's own.
"""

import json
import sys
from pathlib import Path

import numpy as np
import onnxruntime

TOLERANCE = 1e-3
"""Largest deviation from the golden output, in probability or logit."""
CENTRAL_90_TO_SD = 3.3
"""Width of the central 90 % of a normal distribution, in standard deviations."""


def graph_inputs(contract, volumes, mask):
    """Inputs of the graph from images [X, Y, Z] on the contract's grid, by channel name.

    ``mask`` is true inside the brain. Images stay in their own units: the graph normalises. Where a
    structural image ends inside the brain, its statistics are those of the part that it covers
    (here: where it is not zero).
    """
    channels = contract["channels"]
    image = np.zeros((len(channels), *mask.shape), np.float32)
    stats = np.tile(np.float32([0, 1]), (len(channels), 1))
    for number, channel in enumerate(channels):
        if channel["name"] not in volumes:
            continue
        image[number] = volumes[channel["name"]]
        if channel["kind"] == "structural":
            values = image[number][mask & (image[number] != 0)]
            low, middle, high = np.percentile(values, (5, 50, 95))
            stats[number] = middle, (high - low) / CENTRAL_90_TO_SD
    present = np.float32([channel["name"] in volumes for channel in channels])
    arrays = {"image": image, "mask": mask[None], "present": present, "stats": stats}
    return {name: array[None].astype(np.float32) for name, array in arrays.items()}


def deviations(folder):
    """Largest deviation of each output of a model folder from its golden one."""
    session = onnxruntime.InferenceSession(
        folder / "model.onnx", providers=["CPUExecutionProvider"]
    )
    inputs = [one.name for one in session.get_inputs()]
    outputs = [one.name for one in session.get_outputs()]
    with np.load(folder / "golden.npz") as golden:
        answers = session.run(outputs, {name: golden[name].astype(np.float32) for name in inputs})
        return {
            name: float(np.abs(answer - golden[name]).max())
            for name, answer in zip(outputs, answers, strict=True)
        }


def main():
    """Print the deviations; the exit code tells whether all are within the tolerance."""
    folder = Path(sys.argv[1])
    contract = json.loads((folder / "contract.json").read_text(encoding="utf-8"))
    print(f"{contract['name']} {contract['version']}, onnxruntime {onnxruntime.__version__}")
    found = deviations(folder)
    for name, deviation in found.items():
        print(f"{name}: deviates by {deviation:.2g}, at most {TOLERANCE:g} is right")
    return 0 if all(deviation <= TOLERANCE for deviation in found.values()) else 1


if __name__ == "__main__":
    sys.exit(main())
