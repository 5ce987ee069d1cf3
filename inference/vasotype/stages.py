"""The typed values that pass between stages, in the order in which they arise.

``Study`` (what was read) -> ``Prepared`` (the model's grid) -> ``Maps`` (the network's answer) ->
``LesionSet`` (instances and numbers); the last value, ``Result``, lives in :mod:`vasotype.result`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from vasotype_models.contract import CHANNELS, STRUCTURAL

from vasotype.findings import Finding

if TYPE_CHECKING:
    from vasotype.clinical import Clinical
    from vasotype.perfusion.series import PerfusionSeries
    from vasotype.study.dicom.reference import DicomSource

Array = NDArray[np.float32]
Labels = NDArray[np.uint8]
Mask = NDArray[np.bool_]
Affine = NDArray[np.float64]


@dataclass(frozen=True)
class Grid:
    """Sampling of a volume: shape in voxels and RAS+ affine in mm."""

    shape: tuple[int, int, int]
    affine: Affine

    @property
    def spacing_mm(self) -> tuple[float, float, float]:
        """Voxel edge lengths, mm, in index order."""
        x, y, z = np.linalg.norm(self.affine[:3, :3], axis=0)
        return float(x), float(y), float(z)

    @property
    def voxel_ml(self) -> float:
        """Volume of a voxel, mL."""
        return float(abs(np.linalg.det(self.affine[:3, :3]))) / 1000.0


@dataclass(frozen=True)
class Volume:
    """A 3-D image: ``data`` float32 [X, Y, Z] and its grid.

    ``path`` is the file that holds it; ``label`` names an image that has no file of its own.
    ``source`` are the DICOM objects that it was read from, or that stand for it in results.
    """

    data: Array
    grid: Grid
    path: Path | None = None
    label: str = ""
    source: DicomSource | None = None

    @property
    def name(self) -> str:
        """File name or label; empty for an image from memory."""
        return self.path.name if self.path else self.label


@dataclass(frozen=True)
class AcquisitionFacts:
    """What a header or sidecar says of a sequence; None or empty where it is silent.

    Nothing about the patient is among them. ``image_type`` starts at value 3 of ImageType.
    ``scanning`` holds SE, GR, IR, EP as in ScanningSequence, also where an enhanced object says it
    in other words. ``acquired`` is the start, ordering the series of one visit;
    ``contrast_started`` is the start of the injection.
    """

    modality: str = ""
    description: str = ""
    protocol: str = ""
    sequence_name: str = ""
    body_part: str = ""
    image_type: tuple[str, ...] = ()
    scanning: tuple[str, ...] = ()
    variant: tuple[str, ...] = ()
    acquisition: str = ""
    tr_ms: float | None = None
    te_ms: float | None = None
    ti_ms: float | None = None
    flip_deg: float | None = None
    echo_train: float | None = None
    field_t: float | None = None
    b_value: float | None = None
    slice_thickness_mm: float | None = None
    samples: int = 1
    agent: str = ""
    dose_ml: float | None = None
    scanner: str = ""
    lossy: bool = False
    acquired: datetime | None = None
    contrast_started: datetime | None = None


@dataclass(frozen=True)
class SourceSeries:
    """One series or image file that the study's source held, whether it was used or not.

    ``kind`` is what it was taken for and ``reasons`` say why; ``channel`` is what it is used as.
    ``times`` counts its volumes.
    """

    name: str
    kind: str
    channel: str | None = None
    reasons: tuple[str, ...] = ()
    facts: AcquisitionFacts = AcquisitionFacts()
    spacing_mm: tuple[float, float, float] | None = None
    times: int = 1
    contrast_given: bool = False


@dataclass(frozen=True)
class Study:
    """What was read: one native volume a channel, and what was noticed on the way.

    ``series`` lists all that the source held, in the order in which it was acquired or named;
    ``perfusion`` are the dynamic series, read; ``clinical`` what is known of the patient.
    """

    name: str
    volumes: Mapping[str, Volume]
    findings: tuple[Finding, ...] = ()
    series: tuple[SourceSeries, ...] = ()
    perfusion: PerfusionSeries | None = None
    clinical: Clinical | None = None

    @property
    def reference(self) -> str:
        """Channel whose grid the results lie on: T1c, or FLAIR where there is no T1c."""
        return "t1c" if "t1c" in self.volumes else "flair"


@dataclass(frozen=True)
class QuantityMap:
    """A map that was computed from a dynamic series, on the prepared grid.

    ``values`` float32 [X, Y, Z], NaN where there is no valid value; ``quality`` uint8 [X, Y, Z],
    bits of :class:`~vasotype.perfusion.quality.Quality`; ``voxel_ml`` the acquired voxel, mL.
    """

    values: Array
    quality: Labels
    voxel_ml: float


@dataclass(frozen=True)
class Prepared:
    """A study on the model's grid (1 mm isotropic, RAS, cropped to the brain).

    ``image`` float32 [7, X, Y, Z] in raw units, absent channels zero; ``mask`` bool [X, Y, Z];
    ``stats`` float32 [7, 2], location and scale of each structural channel over the mask voxels
    that it covers (quantitative channels: 0 and 1); ``native`` is the reference sequence as it
    came. ``computed`` holds the maps of the perfusion stage by name, of which the network sees
    some as channels.
    ``alignments`` holds, for each channel that registration moved, the
    rigid motion [4, 4], RAS+ mm, from the world of its file to that of the reference: what was
    acquired beside it, such as a 4-D series, comes into this space with ``motion @ affine``.
    """

    name: str
    image: Array
    mask: Mask
    present: tuple[bool, ...]
    stats: Array
    grid: Grid
    native: Volume
    findings: tuple[Finding, ...] = ()
    computed: Mapping[str, QuantityMap] = field(default_factory=dict)
    alignments: Mapping[str, Affine] = field(default_factory=dict)

    @property
    def channels(self) -> tuple[str, ...]:
        """Names of the channels that are there."""
        return tuple(c for c, there in zip(CHANNELS, self.present, strict=True) if there)

    @property
    def structural(self) -> tuple[str, ...]:
        """Names of the structural channels that are there."""
        return tuple(c for c in self.channels if c in STRUCTURAL)


@dataclass(frozen=True)
class Maps:
    """The network's answer on the prepared grid.

    ``tissue`` float32 [4, X, Y, Z], probabilities that sum to 1; ``habitat`` float32
    [5, X, Y, Z], logits, meaningful inside tumor core. ``provider`` is the execution provider
    that ran.
    """

    tissue: Array
    habitat: Array
    provider: str


@dataclass(frozen=True)
class Lesion:
    """One lesion: its numbers, and where it lies on both grids.

    ``longest_diameter_mm`` is measured in an axial plane of the native grid,
    ``model_diameter_mm`` the same on the 1 mm grid (the one that abstention looks at).
    ``confidence`` is the mean of the core probabilities in the lesion.
    """

    id: int
    centroid_ras_mm: tuple[float, float, float]
    enhancing_ml: float
    non_enhancing_core_ml: float
    edema_ml: float
    longest_diameter_mm: float
    perpendicular_diameter_mm: float
    longest_ends_ras_mm: tuple[tuple[float, float, float], tuple[float, float, float]]
    model_diameter_mm: float
    enhancement_pattern: str
    confidence: float
    edema_shared: bool


@dataclass(frozen=True)
class LesionSet:
    """All lesions of a study and their label maps.

    ``tissue``/``instances``/``owner`` lie on the prepared grid, ``native_*`` on the native grid
    (uint8 tissue labels, uint16 instance numbers; 0 is none). ``owner`` is the lesion of each
    core and edema voxel.
    """

    lesions: tuple[Lesion, ...]
    tissue: Labels
    instances: NDArray[np.uint16]
    native_tissue: Labels
    native_instances: NDArray[np.uint16]
    owner: NDArray[np.uint16]
    findings: tuple[Finding, ...] = field(default=())
