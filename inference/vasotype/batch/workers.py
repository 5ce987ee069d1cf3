"""Calling one function on many items in other processes, where a process may die.

Both ways yield ``(item, result)`` in the order in which items finish, with ``None`` for an item
whose process died; every other item keeps its result. ``function`` and items must be picklable and
``function`` must not raise.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from importlib import import_module
from multiprocessing import get_context
from typing import TypeVar

from vasotype.findings import StudyError

Item = TypeVar("Item")
Answer = TypeVar("Answer")


def on_this_machine(
    function: Callable[[Item], Answer], items: Sequence[Item], processes: int
) -> Iterator[tuple[Item, Answer | None]]:
    """Run in a pool of ``processes`` that never holds more items than processes.

    When a process dies (most often killed for lack of memory) the pool is lost, and nobody knows
    which of the items in flight was at fault. Each of them runs once more in a process of its own:
    the innocent ones finish, and the others have the whole machine for a second try.
    """
    waiting = deque(items)
    while waiting:
        suspects: list[Item] = []
        yield from _until_a_process_dies(function, waiting, processes, suspects)
        for item in suspects:
            culprits: list[Item] = []
            yield from _until_a_process_dies(function, deque([item]), 1, culprits)
            yield from ((culprit, None) for culprit in culprits)


def _until_a_process_dies(
    function: Callable[[Item], Answer],
    waiting: deque[Item],
    processes: int,
    suspects: list[Item],
) -> Iterator[tuple[Item, Answer]]:
    """Take items from ``waiting``; those in flight when a process dies go to ``suspects``."""
    running: dict[Future[Answer], Item] = {}
    broken = False
    with ProcessPoolExecutor(processes, mp_context=get_context("spawn")) as pool:
        while running or (waiting and not broken):
            while waiting and not broken and len(running) < processes:
                try:
                    future = pool.submit(function, waiting[0])
                except BrokenProcessPool:
                    broken = True
                else:
                    running[future] = waiting.popleft()
            finished, _ = wait(running, return_when=FIRST_COMPLETED)
            for future in finished:
                item = running.pop(future)
                if isinstance(future.exception(), BrokenProcessPool):
                    broken = True
                    suspects.append(item)
                else:
                    yield item, future.result()


def on_cluster(
    function: Callable[[Item], Answer], items: Sequence[Item], address: str
) -> Iterator[tuple[Item, Answer | None]]:
    """Run on the workers of the Dask scheduler at ``address``, e.g. ``tcp://head:8786``.

    Dask sends the items of a lost worker to another one, and gives an item up once it has been on
    several workers that died. Such an item may have been a bystander each time, so it runs once
    more when nothing else does.

    Raises StudyError when the scheduler doesn't answer and ModuleNotFoundError without
    ``dask.distributed``.
    """
    distributed = import_module("distributed")
    try:
        client = distributed.Client(address, timeout="10s")
    except (OSError, ValueError) as error:
        raise StudyError("scheduler-unreachable", f"no Dask scheduler at {address}") from error
    with client:
        running = {client.submit(function, item, pure=False): item for item in items}
        suspects = []
        for future in distributed.as_completed(list(running)):
            item = running.pop(future)
            if isinstance(future.exception(), distributed.KilledWorker):
                suspects.append(item)
            else:
                yield item, future.result()
        for item in suspects:
            future = client.submit(function, item, pure=False)
            died = isinstance(future.exception(), distributed.KilledWorker)
            yield item, None if died else future.result()
