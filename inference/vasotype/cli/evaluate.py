"""``vasotype evaluate``: how good a model is on labelled studies."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from vasotype.cli.console import SOME_FAILED, counted, guarded, needs_extra
from vasotype.cli.options import Device, DeviceOption, ModelOption
from vasotype.findings import StudyError

if TYPE_CHECKING:
    from vasotype_training.evaluate import Figures


@guarded
def evaluate(
    cohorts: Annotated[
        list[Path], typer.Argument(metavar="COHORT...", help="Folders of labelled studies.")
    ],
    *,
    output: Annotated[Path, typer.Option("--output", "-o", help="Folder for the figures.")],
    model: ModelOption = "default",
    device: DeviceOption = Device.AUTO,
    labels: Annotated[
        str | None,
        typer.Option(
            metavar="NETC=1,SNFH=2,ET=3",
            help="Values of the reference labels, for cases that don't state their scheme.",
        ),
    ] = None,
    sequences: Annotated[
        list[str] | None,
        typer.Option(
            metavar="CHANNELS",
            help="Give only these, e.g. t1c+flair; 'all' is the default; 't1c:=t1' puts T1 in "
            "place of T1c; 'threshold' scores a plain threshold on T1c - T1, the detector to beat. "
            "May be repeated.",
        ),
    ] = None,
    core_unscored: Annotated[
        list[str] | None,
        typer.Option(
            metavar="CASE",
            help="Case that hardly enhances: only its whole tumor is scored. May be repeated.",
        ),
    ] = None,
    tumor_free: Annotated[
        Path | None,
        typer.Option(metavar="STUDY", help="Study without tumor: all that is found is wrong."),
    ] = None,
    other_lesions: Annotated[
        Path | None,
        typer.Option(metavar="MASK", help="Other lesions of that study, such as MS plaques."),
    ] = None,
    limit: Annotated[
        int | None, typer.Option(min=1, help="Take a fixed slice of this many studies.")
    ] = None,
    fresh: Annotated[bool, typer.Option("--fresh", help="Use no kept prediction.")] = False,
    check: Annotated[
        Path | None,
        typer.Option(
            metavar="FIGURES",
            help="Compare with this figures.json; exit code 3 where a figure is not reached.",
        ),
    ] = None,
) -> None:
    """Score a model on labelled studies: outlines, lesions found, leanings.

    A labelled study carries `truth/segmentation.nii.gz`, or a BraTS segmentation. The figures, with
    their intervals and what they were made from, go to `OUTPUT/figures.md` and
    `OUTPUT/figures.json`. Predictions are kept, so that an evaluation goes on where it was stopped.

    A brain extraction network (`--model brain`) is scored on heads with `*brain_mask*` files beside
    them, and on heads simulated from whole-head label maps (`--limit` of them, otherwise 200).

    Examples:

    - `vasotype evaluate cohort -o figures`
    - `vasotype evaluate cohort -o figures --sequences all --sequences t1c+flair`
    - `vasotype evaluate cohort -o figures --limit 60 --fresh --check recorded/figures.json`
    - `vasotype evaluate heads "labels/head_seg_1[6-9]*" -o figures --model brain`
    """
    command = shlex.join(["vasotype", *sys.argv[1:]])
    from vasotype_models.registry import is_brain_model

    from vasotype.engine.locate import find_model

    folder = find_model(model)
    if is_brain_model(folder):
        _conclude(_evaluate_brain(cohorts, folder, output, limit, command), check)
        return
    scheme = None if labels is None else _scheme(labels)
    with needs_extra("train", "evaluate"), counted("studies") as tick:
        from vasotype_training.evaluate import Options, TumorFree
        from vasotype_training.evaluate import evaluate as run_evaluation

        options = Options(
            variants=tuple(sequences or ("all",)),
            labels=scheme,
            core_unscored=tuple(core_unscored or ()),
            limit=limit,
            fresh=fresh,
            tumor_free=None if tumor_free is None else TumorFree(tumor_free, other_lesions),
            device=device.value,
            progress=lambda done, total: tick(done, total, f"{done} of {total} studies"),
            command=command,
        )
        figures = run_evaluation(cohorts, model, output, options)
    _conclude(figures, check)


def _evaluate_brain(
    paths: list[Path], model: Path, output: Path, limit: int | None, command: str
) -> Figures:
    """Figures of a brain network; ``limit`` heads are simulated from a pattern of label maps."""
    with needs_extra("train", "evaluate"), counted("heads") as tick:
        from vasotype_training.brain.evaluate import SIMULATED, evaluate_brain

        return evaluate_brain(
            paths,
            model,
            output,
            count=limit or SIMULATED,
            progress=lambda done, total: tick(done, total, f"{done} of {total} heads"),
            command=command,
        )


def _conclude(figures: Figures, check: Path | None) -> None:
    """Print the figures, and hold them against recorded ones."""
    typer.echo(figures.markdown())
    for alarm in figures.alarms:
        typer.echo(f"alarm: {alarm}", err=True)
    if check is not None and regressed(figures, check):
        raise typer.Exit(SOME_FAILED)


def regressed(figures: Figures, check: Path) -> bool:
    """Compare with recorded figures and name those that were not reached."""
    from vasotype_training.evaluate import Figures, compare

    try:
        regressions = compare(Figures.read(check), figures)
    except ValueError as error:
        raise StudyError("figures-incomparable", f"{check.name}: {error}") from error
    for regression in regressions:
        typer.echo(f"not reached: {regression}", err=True)
    return bool(regressions)


def _scheme(text: str) -> dict[str, tuple[int, ...]]:
    """``NETC=1,SNFH=2,ET=4`` as tissue to values; a tissue may stand more than once."""
    scheme: dict[str, tuple[int, ...]] = {}
    for part in text.split(","):
        tissue, _, value = part.partition("=")
        if not value.isdecimal():
            raise StudyError("labels-option", f"--labels {text}: {part!r} is not TISSUE=NUMBER")
        scheme[tissue] = (*scheme.get(tissue, ()), int(value))
    return scheme
