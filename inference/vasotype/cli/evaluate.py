"""``vasotype evaluate``: how good a model is on labelled studies."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from vasotype.cli.console import SOME_FAILED, counted, guarded, needs_extra
from vasotype.cli.options import Device, DeviceOption, ModelOption
from vasotype.findings import StudyError

if TYPE_CHECKING:
    from vasotype_training.evaluate import Comparison, Figures


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
        bool,
        typer.Option(
            "--check",
            help="Repeat what is recorded beside the model; exit code 3 where a figure fell.",
        ),
    ] = False,
) -> None:
    """Score a model on labelled studies: outlines, lesions found, leanings.

    A labelled study carries `truth/segmentation.nii.gz`, or a BraTS segmentation. The figures, with
    their intervals, what they were made from and the bars that they are held to, go to
    `OUTPUT/figures.md`, `OUTPUT/summary.html` and `OUTPUT/figures.json`. Predictions are kept, so
    that an evaluation goes on where it was stopped. `vasotype record-figures` puts the figures
    beside the model. With `--check` real cohorts and a fixed slice of 60 studies of each large
    simulated one are evaluated afresh, the other studies verified from the predictions in OUTPUT;
    what is not at hand is named.

    A brain extraction network (`--model brain`) is scored on heads with `*brain_mask*` files beside
    them, and on heads simulated from whole-head label maps (`--limit` of them, otherwise 200).

    Examples:

    - `vasotype evaluate cohort -o figures`
    - `vasotype evaluate cohort -o figures --sequences all --sequences t1c+flair`
    - `vasotype evaluate cohort real-cases -o figures --check`
    - `vasotype evaluate heads "labels/head_seg_1[6-9]*" -o figures --model brain`
    """
    command = shlex.join(["vasotype", *sys.argv[1:]])
    from vasotype_models.registry import is_brain_model

    from vasotype.engine.locate import find_model

    folder = find_model(model)
    if other_lesions is not None and tumor_free is None:
        raise StudyError("figures-settings", "--other-lesions are of a --tumor-free study")
    chosen: dict[str, object] = {
        "--sequences": sequences,
        "--core-unscored": core_unscored,
        "--labels": labels,
        "--fresh": fresh,
    }
    if is_brain_model(folder):
        # Its network is small: it runs on the CPU and keeps nothing.
        _refuse(
            chosen | {"--tumor-free": tumor_free, "--device cuda": device is Device.CUDA},
            "a brain network",
        )
        figures = _evaluate_brain(cohorts, folder, output, limit, command)
        typer.echo(figures.markdown())
        if check:
            conclude_check(figures, model)
        return
    if check:
        _refuse(chosen | {"--limit": limit}, "--check")
    with needs_extra("train", "evaluate"), counted("studies") as tick:
        from vasotype_training.evaluate import Options, Reuse, Settings, TumorFree
        from vasotype_training.evaluate import check as run_check
        from vasotype_training.evaluate import evaluate as run_evaluation

        options = Options(
            settings=Settings(
                variants=tuple(sequences or ("all",)),
                labels=None if labels is None else _scheme(labels),
                core_unscored=tuple(core_unscored or ()),
            ),
            limit=limit,
            reuse=Reuse.NEVER if fresh else Reuse.KEPT_FIRST,
            tumor_free=None if tumor_free is None else TumorFree(tumor_free, other_lesions),
            device=device.value,
            progress=lambda done, total: tick(done, total, f"{done} of {total} studies"),
            command=command,
        )
        if check:
            comparison = run_check(cohorts, model, output, options)
        else:
            figures = run_evaluation(cohorts, model, output, options)
    if check:
        conclude(comparison)
    else:
        show(figures, folder)
        typer.echo(f"all figures: {output / 'figures.md'}; plots: {output / 'summary.html'}")


def _refuse(chosen: Mapping[str, object], what: str) -> None:
    """Refuse options that ``what`` would pass over in silence."""
    if given := [name for name, value in chosen.items() if value]:
        raise StudyError("figures-settings", f"{what} and {', '.join(given)} exclude each other")


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


def show(figures: Figures, model: Path) -> None:
    """Print the figures in tables beside their bars, and what is too good to be true."""
    from vasotype_training.evaluate.bars import read_bars
    from vasotype_training.evaluate.tables import filled, summary

    typer.echo(summary(filled(read_bars(model), [figures]), [figures]))
    for alarm in figures.alarms:
        typer.echo(f"alarm: {alarm}", err=True)


def conclude_check(figures: Figures, model: str, *, lesions: bool = False) -> None:
    """Hold figures, of studies or of ``lesions``, against those recorded beside their model."""
    from vasotype_training.evaluate import compare_all, read_recorded

    from vasotype.engine.locate import find_model

    recorded = read_recorded(find_model(model))
    conclude(compare_all(recorded.lesions if lesions else recorded.studies, figures))


def conclude(comparison: Comparison) -> None:
    """Print what came of a check; exit code 3 where a figure fell."""
    typer.echo(comparison.markdown())
    if comparison.fallen:
        raise typer.Exit(SOME_FAILED)


def _scheme(text: str) -> dict[str, tuple[int, ...]]:
    """``NETC=1,SNFH=2,ET=4`` as tissue to values; a tissue may stand more than once."""
    scheme: dict[str, tuple[int, ...]] = {}
    for part in text.split(","):
        tissue, _, value = part.partition("=")
        if not value.isdecimal():
            raise StudyError("labels-option", f"--labels {text}: {part!r} is not TISSUE=NUMBER")
        scheme[tissue] = (*scheme.get(tissue, ()), int(value))
    return scheme
