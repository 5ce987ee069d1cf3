"""How the commands speak and how they fail: one place for exit codes, error lines and progress."""

from __future__ import annotations

import functools
import json
import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import ParamSpec

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.status import Status

from vasotype.findings import CATALOGUE, StudyError

BUG, USER_ERROR, SOME_FAILED = 1, 2, 3
"""Exit codes beside 0: a bug, the user's input, some of many things that were not reached."""

log = logging.getLogger("vasotype")
LOGGERS = (log, logging.getLogger("vasotype_training"))

Arguments = ParamSpec("Arguments")


def guarded(function: Callable[Arguments, None]) -> Callable[Arguments, None]:
    """A command whose errors end as lines on stderr and an exit code, never as a traceback."""

    @functools.wraps(function)
    def command(*args: Arguments.args, **kwargs: Arguments.kwargs) -> None:
        as_json = bool(kwargs.get("as_json"))
        try:
            function(*args, **kwargs)
        except StudyError as error:
            _complain(str(error), error.code, CATALOGUE[error.code].remedy, as_json)
            raise typer.Exit(USER_ERROR) from None
        except OSError as error:
            message = f"{error.filename}: {error.strerror}" if error.filename else str(error)
            _complain(message, "file-access", CATALOGUE["file-access"].remedy, as_json)
            raise typer.Exit(USER_ERROR) from None
        except (typer.Exit, typer.Abort):
            raise
        except Exception as error:
            _report_bug(error, as_json)

    return command


def _report_bug(error: Exception, as_json: bool) -> None:
    log.debug("traceback", exc_info=error)
    message = f"unexpected {type(error).__name__}: {error}"
    _complain(message, "internal-error", CATALOGUE["internal-error"].remedy, as_json)
    raise typer.Exit(BUG) from None


def _complain(message: str, code: str, remedy: str, as_json: bool) -> None:
    typer.secho(f"error: {message}", err=True, fg=typer.colors.RED)
    typer.echo(f"remedy: {remedy}", err=True)
    if as_json:
        print_json({"error": {"code": code, "message": message, "remedy": remedy}})


def print_json(value: object) -> None:
    """Print one JSON object on stdout."""
    typer.echo(json.dumps(value, indent=2, ensure_ascii=False))


@contextmanager
def needs_extra(extra: str, verb: str) -> Iterator[None]:
    """Turn a missing package of an optional extra into a line that says how to install it."""
    try:
        yield
    except ModuleNotFoundError as error:
        if (error.name or "").split(".")[0].startswith("vasotype"):
            raise
        raise StudyError(
            "extra-missing",
            f"`vasotype {verb}` needs '{error.name}', which is not installed; "
            f"it comes with vasotype[{extra}]",
        ) from error


class _Lines(logging.Handler):
    """Log records as plain lines on stderr."""

    def emit(self, record: logging.LogRecord) -> None:
        typer.echo(self.format(record), err=True)


class _Spinner(logging.Handler):
    """Log records beside a spinner; only the latest is shown, warnings stay."""

    def __init__(self, status: Status) -> None:
        super().__init__()
        self.status = status

    def emit(self, record: logging.LogRecord) -> None:
        text = self.format(record)
        if record.levelno == logging.INFO:
            self.status.update(text)
        else:
            self.status.console.print(text, markup=False, highlight=False)


def say_everything(debug: bool) -> None:
    """Let the package speak: its progress, and with ``debug`` its tracebacks, go to stderr."""
    for logger in LOGGERS:
        logger.setLevel(logging.DEBUG if debug else logging.INFO)
        logger.handlers = [_Lines()]


@contextmanager
def spinner(text: str) -> Iterator[None]:
    """Show the chain's progress: a spinner on a terminal, plain lines elsewhere."""
    console = Console(stderr=True)
    if not console.is_terminal:
        yield
        return
    before = log.handlers
    with console.status(text) as status:
        log.handlers = [_Spinner(status)]
        try:
            yield
        finally:
            log.handlers = before


@contextmanager
def counted(what: str) -> Iterator[Callable[[int, int, str], None]]:
    """Gives ``tick(done, total, line)``: a bar on a terminal, the line itself elsewhere."""
    console = Console(stderr=True)
    columns = (
        TextColumn(what),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("{task.description}", markup=False),
    )
    shown = console.is_terminal
    with Progress(*columns, console=console, transient=True, disable=not shown) as bar:
        task = bar.add_task("", total=None)

        def tick(done: int, total: int, line: str) -> None:
            bar.update(task, completed=done, total=total, description=line)
            if not shown:
                typer.echo(line, err=True)

        yield tick
