"""What is asked aside is not waited for beyond its time, nor where no thread is free."""

import os
import sys
import threading
import time
from collections.abc import Iterator
from time import perf_counter_ns
from typing import Any

import numpy as np
import pytest

from ranking.retrieval import Found
from ranking.retrieval.plan import Call
from service.asides import SCORER_THREADS, SOURCE_THREADS, Asides
from service.observe.spans import Trace
from service.side_threads import SideThreads
from tests.service.test_crew import WAIT_S, until

FOUND = Found(np.arange(3), np.ones(3, np.float32))


@pytest.fixture
def asides() -> Iterator[Asides]:
    asides = Asides()
    yield asides
    asides.close()


def call(deadline_ms: float | None = None) -> Call:
    source: Any = None
    return Call("own", source, 9, deadline_ms, spreads=False, aside=True)


def trace_of(deadline_ms: float) -> Trace:
    trace = Trace()
    trace.expire_in(deadline_ms)
    return trace


def test_an_offer_in_time_is_taken(asides: Asides) -> None:
    trace = trace_of(10_000)
    assert asides.beginning(trace)(call(), lambda: FOUND)() is FOUND
    assert trace.degraded == []


def test_a_source_has_a_share_of_what_is_left_and_its_own_deadline_where_that_is_nearer(
    asides: Asides,
) -> None:
    leave = threading.Event()
    for trace, wish in ((trace_of(40), call()), (trace_of(10_000), call(20))):
        began = time.perf_counter()

        def wait() -> Found:
            leave.wait(WAIT_S)
            return FOUND

        assert asides.beginning(trace)(wish, wait)() is None
        assert time.perf_counter() - began < 5
        assert trace.degraded == [("retrieve", "source_late:own")]
    leave.set()


def test_a_source_that_loops_for_ever_gives_its_thread_back(asides: Asides) -> None:
    def loop() -> Found:
        while True:
            pass

    for _ in range(3 * SOURCE_THREADS):
        trace = trace_of(20)
        wait = asides.beginning(trace)(call(), loop)
        assert wait() is None
        until(lambda: asides._sources._free._value == SOURCE_THREADS)
        assert trace.degraded == [("retrieve", "source_late:own")]


def test_a_source_that_fails_costs_its_offer(asides: Asides) -> None:
    trace = trace_of(10_000)
    assert asides.beginning(trace)(call(), lambda: 1 // 0)() is None  # type: ignore[arg-type, return-value]
    assert trace.degraded == [("retrieve", "source_failed:own")]


def test_where_every_thread_hangs_nothing_is_begun_and_the_request_goes_on_at_once(
    asides: Asides,
) -> None:
    leave, trace = threading.Event(), trace_of(60)
    for _ in range(SCORER_THREADS):
        assert asides.score(lambda *_: leave.wait(WAIT_S), 1, perf_counter_ns() + 1e6, trace) == []
    assert trace.degraded == []
    assert asides.score(lambda *_: 1, 1, perf_counter_ns() + 5e9, trace) == []
    assert trace.degraded == [("score", "scorer_busy")]
    leave.set()
    until(lambda: asides.score(lambda *_: 1, 1, perf_counter_ns() + 5e9, Trace()) == [1])


def test_side_threads_keep_nothing_of_what_they_did() -> None:
    threads = SideThreads(1, "test")
    asked = threads.begin(lambda: np.zeros(3))
    assert asked is not None
    assert asked.result(WAIT_S).tolist() == [0, 0, 0]
    threads.close()


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere a thread has no nice of its own")
def test_side_threads_stand_back_and_nobody_else_does() -> None:
    threads, own = SideThreads(1, "test", nice=7), os.getpriority(os.PRIO_PROCESS, 0)
    asked = threads.begin(lambda: os.getpriority(os.PRIO_PROCESS, threading.get_native_id()))
    assert asked is not None
    assert asked.result(WAIT_S) == 7
    assert os.getpriority(os.PRIO_PROCESS, 0) == own
    threads.close()
