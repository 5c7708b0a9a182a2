"""A thread that is called runs on another core than the one who calls."""

import os
import sys
import threading
from collections.abc import Iterator

import pytest

from service import placement as module
from service.placement import Placement

linux = pytest.mark.skipif(
    sys.platform != "linux" or len(os.sched_getaffinity(0)) < 2, reason="needs cores to choose from"
)


@pytest.fixture
def thread() -> Iterator[int]:
    """The id of a thread that waits."""
    leave, ready = threading.Event(), threading.Event()

    def wait() -> None:
        ready.set()
        leave.wait()

    waiting = threading.Thread(target=wait)
    waiting.start()
    ready.wait()
    assert waiting.native_id is not None
    yield waiting.native_id
    leave.set()
    waiting.join()


@pytest.fixture
def mine() -> Iterator[set[int]]:
    """The cores of this thread, which a test may narrow."""
    before = os.sched_getaffinity(0)
    yield before
    os.sched_setaffinity(0, before)


@linux
def test_a_thread_is_kept_off_the_callers_core_and_let_back_when_the_caller_moves(
    thread: int, mine: set[int]
) -> None:
    placement = Placement()
    for core in [*mine, *mine]:
        os.sched_setaffinity(0, {core})
        placement.keep_off_this_core(thread)
        assert os.sched_getaffinity(thread) == mine - {core}


@linux
def test_a_caller_that_stays_costs_no_system_call(
    thread: int, mine: set[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    placement = Placement()
    os.sched_setaffinity(0, {min(mine)})
    placement.keep_off_this_core(thread)
    monkeypatch.setattr(os, "sched_setaffinity", None)
    placement.keep_off_this_core(thread)
    monkeypatch.undo()


@linux
def test_where_it_is_forbidden_threads_run_as_the_system_likes(
    thread: int, mine: set[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    def forbidden(*_: object) -> None:
        raise PermissionError

    placement = Placement()
    monkeypatch.setattr(os, "sched_setaffinity", forbidden)
    placement.keep_off_this_core(thread)
    monkeypatch.undo()
    assert os.sched_getaffinity(thread) == mine


def test_without_the_system_calls_nothing_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_LIBRARY", None)
    Placement().keep_off_this_core(-1)


@linux
def test_one_core_is_left_alone(mine: set[int]) -> None:
    os.sched_setaffinity(0, {min(mine)})
    Placement().keep_off_this_core(-1)
