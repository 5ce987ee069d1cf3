"""``trajectories.tsv``: one row a track and timepoint, ``n/a`` where there is no value."""

from __future__ import annotations

import csv
from pathlib import Path

from vasotype.followup.record import FollowUp, Observation, Timepoint, TrackRecord
from vasotype.outputs.table import cell

COLUMNS = (
    "track",
    "target",
    "timepoint",
    "days",
    "event",
    "lesions",
    "core_ml",
    "enhancing_ml",
    "edema_ml",
    "longest_diameter_mm",
    "perpendicular_diameter_mm",
    "label",
    "label_withheld",
    "tier",
)


def write_trajectories(record: FollowUp, path: Path) -> None:
    """Write every track at every timepoint; a follow-up without lesions gives the header alone."""
    features = tuple(limit.biomarker for limit in record.limits.features)
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, delimiter="\t", lineterminator="\n")
        writer.writerow((*COLUMNS, *features))
        for track in record.tracks:
            for timepoint in record.timepoints:
                row = _row(track, timepoint, features)
                writer.writerow([cell(row.get(column)) for column in (*COLUMNS, *features)])


def _row(track: TrackRecord, timepoint: Timepoint, features: tuple[str, ...]) -> dict[str, object]:
    seen = track.observations[timepoint.index]
    row: dict[str, object] = {
        "track": track.id,
        "target": track.target,
        "timepoint": timepoint.index,
        "days": timepoint.days,
        "event": track.events[timepoint.index - 1] if timepoint.index else None,
    }
    return row if seen is None else row | _observed(seen, features)


def _observed(seen: Observation, features: tuple[str, ...]) -> dict[str, object]:
    values = seen.model_dump(include=set(COLUMNS))
    measured = {name: seen.features.get(name) for name in features}
    return values | {"lesions": ",".join(map(str, seen.lesions))} | measured
