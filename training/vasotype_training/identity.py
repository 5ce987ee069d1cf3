"""What numbers depend on, as digests.

Whatever is kept to serve again, and whatever is held against something recorded, is told apart by
these: the code, what a model says beside its graph, the files that it was given.
"""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Iterable, Iterator, Sequence
from importlib.util import find_spec
from pathlib import Path

from vasotype_models.brain_contract import BrainContract
from vasotype_models.contract import Calibration, Contract, read_calibration
from vasotype_models.registry import read_any_contract, resolve

SOURCES = (".py", ".json", ".toml")
"""Code, and the tables beside it that it reads."""


@functools.cache
def source_digest(*modules: str) -> str:
    """Hex digest of what modules are written in, of a package with all below it.

    Computed once a process, whose code doesn't change either.
    """
    return _digest(
        part
        for module in modules
        for name, path in _sources(module)
        for part in (f"{module}/{name}".encode(), path.read_bytes())
    )


def runtime_digest(*modules: str) -> str:
    """Hex digest of the runtime's sources, of the brain network that it prepares studies with, and
    of further ``modules``.
    """
    brain = read_any_contract(resolve("brain")).model_dump_json()
    return _digest((source_digest("vasotype", *modules).encode(), brain.encode()))


def rules_digest(
    contract: Contract | BrainContract, calibration: Calibration | None, *, voxels: bool = True
) -> str:
    """Hex digest of what answers depend on after the graph; a brain network has no calibration.

    Without ``voxels`` the calibration of tissue probabilities doesn't count: nothing that is
    measured of a lesion depends on it. The name of the network in the calibration is left out, as
    its digest always stands beside, and so is what the calibration says of its source.
    """
    said = [contract.inference.model_dump_json()]
    if calibration is not None:
        left_out = {"model_sha256", "calibration_version", "source"}
        if calibration.tissue is None or not voxels:
            left_out.add("tissue")
        said.append(calibration.model_dump_json(exclude=left_out))
    return _digest(part.encode() for part in said)


def rules_of(model: Path, *, voxels: bool = True) -> str:
    """The :func:`rules_digest` of a model folder; raises OSError or ValueError of its files."""
    contract = read_any_contract(model)
    calibration = read_calibration(model) if isinstance(contract, Contract) else None
    return rules_digest(contract, calibration, voxels=voxels)


def files_digest(places: Sequence[Path]) -> str:
    """Hex digest of names and sizes of the files at or below ``places``, in the order of these.

    Names and sizes alone, as anatomies are gigabytes.
    """
    return _digest(
        f"{place.name}/{path.relative_to(place)} {path.stat().st_size}".encode()
        for place in places
        for path in ([place] if place.is_file() else sorted(place.rglob("*")))
        if path.is_file()
    )


def _sources(module: str) -> Iterator[tuple[str, Path]]:
    """Files of a module or package, by their names in it."""
    spec = find_spec(module)
    if spec is None or spec.origin is None:
        raise ModuleNotFoundError(module)
    origin = Path(spec.origin)
    if spec.submodule_search_locations is None:
        yield origin.name, origin
        return
    for path in sorted(origin.parent.rglob("*")):
        if path.suffix in SOURCES:
            yield path.relative_to(origin.parent).as_posix(), path


def _digest(parts: Iterable[bytes]) -> str:
    """Digest of parts, told apart by their lengths."""
    total = hashlib.sha256()
    for part in parts:
        total.update(len(part).to_bytes(8, "big") + part)
    return total.hexdigest()
