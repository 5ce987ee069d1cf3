"""The figures that a released model was recorded with, and whether it still reaches them."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError
from vasotype.findings import StudyError
from vasotype_models.registry import read_any_contract

from vasotype_training.evaluate.figures import Figure, Figures, Record
from vasotype_training.identity import rules_of

RECORD = "figures.json"
"""Lies beside the model."""
STUDIES, LESIONS = "figures.json", "lesions.json"
"""What ``vasotype evaluate`` and ``evaluate-lesions`` leave in their folders."""


class Recorded(Record):
    """Evaluations of one model (``figures.json`` of its folder); each names data and command.

    ``studies`` were made by ``vasotype evaluate``, ``lesions`` by ``evaluate-lesions``; cohorts of
    both may have the same name.
    """

    studies: tuple[Figures, ...] = ()
    lesions: tuple[Figures, ...] = ()


@dataclass(frozen=True)
class Row:
    """A recorded figure and what a repetition measured; None where it no longer gives it."""

    recorded: Figure
    measured: float | None

    @property
    def fell(self) -> bool:
        """The repetition is worse by more than the tolerance (``near``: differs by more)."""
        figure = self.recorded
        if self.measured is None:
            return True
        loss = figure.value - self.measured
        if figure.better == "near":
            return abs(loss) > figure.tolerance
        return (loss if figure.better == "higher" else -loss) > figure.tolerance


@dataclass(frozen=True)
class Comparison:
    """Figures that could be compared, and in words what could not be, and why."""

    rows: tuple[Row, ...] = ()
    unchecked: tuple[str, ...] = ()

    @property
    def fallen(self) -> list[Row]:
        """The figures that are no longer reached."""
        return [row for row in self.rows if row.fell]

    def __add__(self, other: Comparison) -> Comparison:
        unchecked = dict.fromkeys(self.unchecked + other.unchecked)
        return Comparison(self.rows + other.rows, tuple(unchecked))

    def markdown(self) -> str:
        """What fell as a table, and what was not checked."""
        fallen = self.fallen
        lines = [f"{len(self.rows)} recorded figures checked, {len(fallen) or 'none'} fell."]
        if fallen:
            lines += ["", "| fell | recorded | now | tolerance |", "|---|---|---|---|"]
            lines += [_line(row) for row in fallen]
        if self.unchecked:
            lines += ["", "Not checked:", "", *(f"- {what}" for what in self.unchecked)]
        return "\n".join(lines) + "\n"


def _line(row: Row) -> str:
    f = row.recorded
    parts = (f.cohort, f.study, f.variant, f.metric)
    now = "not measured" if row.measured is None else f"{row.measured:.3f}"
    what = ", ".join(part for part in parts if part)
    return f"| {what} | {f.value:.3f} | {now} | {f.tolerance:g} ({f.better} is better) |"


def compare(recorded: Figures, measured: Figures) -> Comparison:
    """Hold the figures of a repetition against those of a recorded evaluation.

    Only cohorts that ``measured`` has are looked at; one whose name stands for other data than
    before is named as not checked, and so is an old record that doesn't tell its rules. Raises
    StudyError ``figures-incomparable`` when the two are of different models, or of one model under
    other inference rules or with another calibration.
    """
    if recorded.sha256 != measured.sha256:
        raise StudyError(
            "figures-incomparable",
            f"recorded were figures of model {recorded.sha256[:12]}, this is "
            f"{measured.sha256[:12]}",
        )
    if not _same_rules(recorded, measured.rules):
        raise StudyError(
            "figures-incomparable",
            f"recorded were figures under other inference rules or with another calibration "
            f"(`{recorded.command}`); the network is the same",
        )
    now = {cohort.name: cohort.digest for cohort in measured.cohorts}
    same = {c.name for c in recorded.cohorts if now.get(c.name) == c.digest}
    others = [c.name for c in recorded.cohorts if c.name in now and c.name not in same]
    values = {_key(figure): figure.value for figure in measured.figures}
    return Comparison(
        tuple(Row(f, values.get(_key(f))) for f in recorded.figures if f.cohort in same),
        tuple(f"{name}: it is not the data that was recorded" for name in others)
        + _untold(recorded, same),
    )


def compare_all(recorded: Sequence[Figures], measured: Figures) -> Comparison:
    """Hold one repetition against recorded evaluations, and name what it did not repeat."""
    total = Comparison()
    for evaluation in recorded:
        total += compare(evaluation, measured)
    return total + Comparison((), not_repeated(recorded, [c.name for c in measured.cohorts]))


def not_repeated(recorded: Sequence[Figures], names: Sequence[str]) -> tuple[str, ...]:
    """A line for each recorded cohort that is not among ``names``."""
    return tuple(
        f"{cohort.name}: not given (recorded by `{evaluation.command}`)"
        for evaluation in recorded
        for cohort in evaluation.cohorts
        if cohort.name not in names
    )


def read_recorded(model: Path) -> Recorded:
    """Figures beside a model; raises StudyError ``figures-missing`` where there are none."""
    try:
        return Recorded.model_validate_json((model / RECORD).read_text(encoding="utf-8"))
    except (OSError, ValidationError) as error:
        raise StudyError("figures-missing", f"{model.name}: no readable {RECORD}") from error


def record(outputs: Sequence[Path], model: Path) -> Recorded:
    """Put what ``outputs`` (folders of evaluations) hold beside the model they were made with.

    An evaluation replaces recorded ones that share a cohort with it; others of the same model stay,
    those of an earlier one, or of other rules or another calibration, go. Raises StudyError
    ``figures-missing`` for a folder without figures and ``figures-incomparable`` where they are of
    another model, or of other rules or another calibration than it has now.
    """
    network = read_any_contract(model).onnx_sha256
    now = _Identity(network, rules_of(model))
    of_lesions = _Identity(network, rules_of(model, voxels=False))
    kept = read_recorded(model) if (model / RECORD).is_file() else Recorded()
    for folder in outputs:
        if not any((folder / name).is_file() for name in (STUDIES, LESIONS)):
            raise StudyError("figures-missing", f"{folder.name}: no {STUDIES} or {LESIONS}")
    recorded = Recorded(
        studies=_merged(kept.studies, _read_all(outputs, STUDIES, now), now),
        lesions=_merged(kept.lesions, _read_all(outputs, LESIONS, of_lesions), of_lesions),
    )
    text = recorded.model_dump_json(indent=1, exclude_defaults=True)
    (model / RECORD).write_text(text + "\n", encoding="utf-8")
    return recorded


@dataclass(frozen=True)
class _Identity:
    """A model as figures depend on it: digests of its graph and of its rules and calibration."""

    sha256: str
    rules: str

    def made(self, figures: Figures) -> bool:
        """Whether figures are of this model as it is now."""
        return figures.sha256 == self.sha256 and _same_rules(figures, self.rules)


def _same_rules(figures: Figures, rules: str | None) -> bool:
    """Whether figures were made under these rules, as far as both are known."""
    return None in (figures.rules, rules) or figures.rules == rules


def _untold(recorded: Figures, names: Collection[str]) -> tuple[str, ...]:
    """A line where compared figures are of before their rules were recorded, too."""
    if recorded.rules is not None or not names:
        return ()
    told = ", ".join(sorted(names))
    return (f"{told}: whether inference rules or calibration are those of the record, an old one",)


def _read_all(outputs: Sequence[Path], name: str, now: _Identity) -> list[Figures]:
    """Evaluations of one kind, all of the model as it is now."""
    found = []
    for path in (folder / name for folder in outputs if (folder / name).is_file()):
        try:
            figures = Figures.read(path)
        except ValidationError as error:
            raise StudyError("figures-missing", f"{path.parent.name}/{name}: {error}") from error
        if figures.sha256 != now.sha256:
            raise StudyError(
                "figures-incomparable",
                f"{figures.command}: made with {figures.sha256[:12]}, the model is "
                f"{now.sha256[:12]}",
            )
        if not now.made(figures):
            raise StudyError(
                "figures-incomparable",
                f"{figures.command}: made under other inference rules or with another calibration "
                "than the model has now",
            )
        found.append(figures)
    return found


def _merged(
    kept: Sequence[Figures], found: Sequence[Figures], now: _Identity
) -> tuple[Figures, ...]:
    """New evaluations in the place of those that share a cohort with them."""
    merged = [evaluation for evaluation in kept if now.made(evaluation)]
    for new in found:
        names = {cohort.name for cohort in new.cohorts}
        merged = [e for e in merged if names.isdisjoint(c.name for c in e.cohorts)] + [new]
    return tuple(merged)


def _key(figure: Figure) -> tuple[str, str, str | None, str]:
    return figure.cohort, figure.variant, figure.study, figure.metric
