"""The verb: studies in, one folder with the follow-up and each examination's own results out."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from vasotype.findings import StudyError
from vasotype.followup.follow import compare_visits
from vasotype.followup.limits import read_limits
from vasotype.followup.observe import Context
from vasotype.followup.record import FollowUp
from vasotype.followup.table import write_trajectories
from vasotype.followup.visit import Visit
from vasotype.outputs import OutputOptions, write_outputs
from vasotype.outputs.folder import refuse_unwritable, replaced
from vasotype.perfusion.series import DEFAULT_SETTINGS, DceSettings
from vasotype.pipeline import Vasotype
from vasotype.study import read_study
from vasotype.study.extras import Extras

RECORD, TABLE, REPORT = "follow.json", "trajectories.tsv", "follow.html"
VISIT = "timepoint-{index}"

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class FollowOptions:
    """What is given beside the studies.

    ``days`` since baseline, one a follow-up, or none; ``clinical`` files, one a study, or none;
    ``limits`` a file that replaces the repeatability limits of the package; ``b1`` maps of the DCE
    series, one a study, or none, and ``dce_settings`` what else those don't say.
    """

    days: tuple[int, ...] = ()
    clinical: tuple[Path, ...] = ()
    limits: Path | None = None
    b1: tuple[Path, ...] = ()
    dce_settings: DceSettings = DEFAULT_SETTINGS
    overwrite: bool = False
    report: bool = True


def follow(
    analyser: Vasotype, studies: Sequence[Path], output: Path, options: FollowOptions
) -> FollowUp:
    """Analyse examinations of one patient, the baseline first, and compare them.

    Everything is written to ``output`` at once, or nothing: ``follow.json``,
    ``trajectories.tsv``, ``follow.html``, and a result folder for each examination. Raises
    StudyError ``timepoints-options`` or ``timepoints-differ``, as :func:`refuse_taken` does, and
    what the chain raises.
    """
    _check(studies, options)
    refuse_taken(output, overwrite=options.overwrite)
    limits = read_limits(options.limits)
    writing = OutputOptions(report=options.report)
    visits = []
    with replaced(output) as fresh:
        given = zip(studies, _extras(options, len(studies)), strict=True)
        for index, (place, extras) in enumerate(given):
            log.info("timepoint %d", index)
            study = read_study(place, extras=extras)
            analysis = analyser.analyse(study)
            write_outputs(analysis, fresh / VISIT.format(index=index), writing)
            visits.append((Visit.of(analysis), study.clinical))
        log.info("compare")
        days = options.days or (None,) * (len(studies) - 1)
        context = Context((0, *days), tuple(clinical for _, clinical in visits), limits)
        comparison = compare_visits([visit for visit, _ in visits], context)
        write_trajectories(comparison.record, fresh / TABLE)
        if options.report:
            from vasotype.outputs.report_follow import write_follow_report  # pictures, if wanted

            write_follow_report(comparison, fresh / REPORT)
        text = comparison.record.model_dump_json(indent=2)
        (fresh / RECORD).write_text(text + "\n", encoding="utf-8")
    return comparison.record


def _extras(options: FollowOptions, count: int) -> list[Extras]:
    """What belongs to each study."""
    nothing = (None,) * count
    return [
        Extras(clinical=clinical, b1=b1, dce_settings=options.dce_settings)
        for clinical, b1 in zip(options.clinical or nothing, options.b1 or nothing, strict=True)
    ]


def refuse_taken(folder: Path, *, overwrite: bool) -> None:
    """Raise StudyError where a follow-up can't go into ``folder``.

    ``output-exists``: it holds something and ``overwrite`` is off; ``output-foreign``: it holds
    files of others; ``output-unwritable``: no folder can be made there.
    """
    refuse_unwritable(folder)
    if not folder.exists():
        return
    if not folder.is_dir():
        raise StudyError("output-exists", f"{folder}: is a file; results need a folder")
    names = {path.name for path in folder.iterdir()}
    if not names:
        return
    if not overwrite:
        raise StudyError("output-exists", f"{folder}: must be new or empty")
    visits = {VISIT.format(index=index) for index in range(len(names))}
    if foreign := sorted(names - {RECORD, TABLE, REPORT} - visits):
        raise StudyError("output-foreign", f"{folder}: holds {foreign[0]}, which is not a result")


def _check(studies: Sequence[Path], options: FollowOptions) -> None:
    """Refuse options that don't fit the number of studies."""
    count = len(studies)
    if count < 2:
        raise StudyError("timepoints-options", f"{count} study was given; two are needed at least")
    if len({study.resolve() for study in studies}) < count:
        raise StudyError("timepoints-options", "the same study was given twice")
    days = (0, *options.days)
    if options.days and len(days) != count:
        message = f"--days was given {len(options.days)} times for {count - 1} follow-ups"
        raise StudyError("timepoints-options", message)
    if any(later <= earlier for earlier, later in pairwise(days)):
        message = f"--days must grow from one follow-up to the next, but are {options.days}"
        raise StudyError("timepoints-options", message)
    for flag, files in (("--clinical", options.clinical), ("--b1", options.b1)):
        if files and len(files) != count:
            message = f"{flag} was given {len(files)} times for {count} examinations"
            raise StudyError("timepoints-options", message)
