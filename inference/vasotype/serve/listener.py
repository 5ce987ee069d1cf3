"""The listener itself: receive all the time, analyse one study at a time, send results back."""

from __future__ import annotations

import logging
import shutil
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from threading import Event

from vasotype.findings import StudyError
from vasotype.serve.peer import Peer
from vasotype.serve.receive import handlers, make_entity
from vasotype.serve.send import send
from vasotype.serve.spool import Spool, Waiting

log = logging.getLogger(__name__)

Analyse = Callable[[Path, Path], object]
"""Analyses the study of the first folder and writes its results into the second, a new one."""

LOOK_S = 0.2
"""Between two looks at what has become quiet."""
RESEND_S = 300.0
"""Between two tries to send results that their peer did not take."""


@dataclass(frozen=True)
class ListenerOptions:
    """Where the listener is and whom it serves.

    ``aet`` is its own title, ``bind`` and ``port`` its address. A study is analysed when nothing of
    it has come for ``quiet_s`` seconds. ``home`` keeps at most ``maximal_bytes`` of studies and
    results that wait.
    """

    home: Path
    peers: tuple[Peer, ...]
    aet: str = "VASOTYPE"
    bind: str = "127.0.0.1"
    port: int = 11112
    quiet_s: float = 60.0
    maximal_bytes: int = 20 * 1024**3


def serve(options: ListenerOptions, analyse: Analyse, stop: Event) -> None:
    """Receive, analyse and send until ``stop`` is set; a study under way is finished first.

    A study that can't be analysed is logged by the code of its error and dropped: its sender still
    has it. Results that a peer does not take are kept and sent again every ``RESEND_S`` seconds and
    after a restart. Raises StudyError ``port-taken`` when the address can't be had.
    """
    spool = Spool(options.home, options.maximal_bytes)
    entity = make_entity(options.aet)
    try:
        entity.start_server(
            (options.bind, options.port),
            block=False,
            evt_handlers=handlers(options.peers, spool),
        )
    except OSError as error:
        message = f"{options.bind}:{options.port}: can't be listened at: {error.strerror}"
        raise StudyError("port-taken", message) from error
    log.info("%s listens at %s:%d", options.aet, options.bind, options.port)
    try:
        _work(options, spool, analyse, stop)
    finally:
        entity.shutdown()


def _work(options: ListenerOptions, spool: Spool, analyse: Analyse, stop: Event) -> None:
    """Take quiet studies one after the other; send what waits."""
    next_resend = time.monotonic()
    while not stop.wait(LOOK_S):
        waiting = spool.quiet(options.quiet_s)
        if waiting is not None:
            _analyse(spool, waiting, analyse)
        if waiting is not None or time.monotonic() >= next_resend:
            _send_all(options, spool)
            next_resend = time.monotonic() + RESEND_S


def _analyse(spool: Spool, waiting: Waiting, analyse: Analyse) -> None:
    """Analyse one study and put its DICOM results among those to be sent."""
    home = Path(tempfile.mkdtemp(dir=spool.working))
    try:
        analyse(waiting.folder, home / "result")
        spool.keep_results(waiting, home / "result" / "dicom")
        log.info("a study of %s is analysed", waiting.aet)
    except StudyError as error:
        log.warning("a study of %s can't be analysed: %s", waiting.aet, error.code)
    except Exception as error:  # one study must not end the service
        log.warning("a study of %s failed: %s", waiting.aet, type(error).__name__)
        log.debug("traceback", exc_info=error)
    finally:
        shutil.rmtree(home, ignore_errors=True)
        spool.finish(waiting)


def _send_all(options: ListenerOptions, spool: Spool) -> None:
    """Send results that wait to the peers whose studies they are of."""
    for aet, folder in list(spool.unsent()):
        peer = _peer(aet, options.peers)
        if peer is None:
            continue
        try:
            sent = send(options.aet, peer, sorted(folder.glob("*.dcm")))
        except Exception as error:  # a peer that aborts must not end the service: it is asked again
            log.warning("sending to %s failed: %s", aet, type(error).__name__)
            continue
        if sent:
            spool.sent(folder)
            log.info("results sent to %s", aet)


def _peer(aet: str, peers: Sequence[Peer]) -> Peer | None:
    """The peer of a title; None when it is no longer served."""
    return next((peer for peer in peers if peer.aet == aet), None)
