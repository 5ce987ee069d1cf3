"""A dead process costs its own item at most; the items here are calls that finish or die."""

import operator
import os
import signal
import time
from functools import partial

import pytest
from vasotype.batch.workers import on_cluster, on_this_machine
from vasotype.findings import StudyError

DIE = partial(os._exit, 1)


def say(word: str) -> partial[str]:
    return partial(str.upper, word)


def test_every_item_gets_its_own_answer():
    items = [say("a"), say("b"), say("c")]
    answers = dict(on_this_machine(operator.call, items, processes=2))
    assert {item.args[0]: answer for item, answer in answers.items()} == {
        "a": "A",
        "b": "B",
        "c": "C",
    }


def test_a_dead_process_costs_only_the_item_that_killed_it():
    items = [say("a"), DIE, say("b"), say("c")]
    answers = dict(on_this_machine(operator.call, items, processes=2))
    assert len(answers) == len(items)
    assert [item for item, answer in answers.items() if answer is None] == [DIE]


def test_nothing_is_left_to_do_when_every_item_dies():
    assert list(on_this_machine(operator.call, [DIE], processes=2)) == [(DIE, None)]


def test_no_more_items_are_taken_than_there_are_processes(tmp_path):
    items = [partial(os.mkdir, tmp_path / name) for name in ("first", "second", "third")]
    answers = on_this_machine(operator.call, items, processes=1)
    next(answers)
    time.sleep(0.3)  # an unbounded queue would have run the others by now
    assert [folder.name for folder in tmp_path.iterdir()] == ["first"]
    assert len(list(answers)) == 2


@pytest.mark.slow
def test_a_lost_cluster_worker_costs_no_item(cluster):
    victim = next(iter(cluster.workers.values()))
    killed = victim.pid
    items = [partial(time.sleep, 0.3) for _ in range(8)]
    answers = on_cluster(operator.call, items, cluster.scheduler_address)
    finished = [next(answers)]
    os.kill(killed, signal.SIGKILL)
    finished += list(answers)
    assert victim.pid != killed
    assert {item for item, _ in finished} == set(items)


@pytest.mark.slow
def test_an_item_that_kills_cluster_workers_is_given_up_alone(cluster):
    items = [say("a"), DIE, say("b")]
    answers = dict(on_cluster(operator.call, items, cluster.scheduler_address))
    assert len(answers) == len(items)
    assert [item for item, answer in answers.items() if answer is None] == [DIE]


@pytest.mark.slow
def test_a_scheduler_that_does_not_answer_is_named():
    pytest.importorskip("distributed")
    with pytest.raises(StudyError, match=r"tcp://127\.0\.0\.1:1"):
        next(on_cluster(operator.call, [DIE], "tcp://127.0.0.1:1"))
