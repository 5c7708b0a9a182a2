"""The load client, against a server whose answers and delays are known."""

import time
from itertools import count
from threading import Lock

import numpy as np
import pytest

from benchmarks.client import Reply, arrivals, closed_loop, good, open_loop, post
from benchmarks.meter import figures
from tests.benchmarks.canned import canned

REQUEST = post("/v1/rank", b"{}")
DELAY_S = 0.05


def slow(_: bytes) -> tuple[int, bytes]:
    time.sleep(DELAY_S)
    return 200, b"{}"


def test_an_open_loop_counts_from_when_a_request_was_due_not_from_when_it_was_sent() -> None:
    with canned(slow) as server:
        due = np.full(4, 0.01)
        run = open_loop(server.address, [REQUEST], due, connections=1)
    # Four are due at once and one connection serves them in turn: each waits for those before.
    assert np.all(np.sort(run.latencies_s) >= DELAY_S * np.arange(1, 5))
    assert run.failed == 0


def test_a_closed_loop_hides_that_queue() -> None:
    with canned(slow) as server:
        run = closed_loop(server.address, [REQUEST], connections=1, seconds=3.5 * DELAY_S)
    assert len(run.latencies_s) == 4
    assert np.median(run.latencies_s) < 2 * DELAY_S


def test_a_closed_loop_keeps_as_many_under_way_as_it_has_connections() -> None:
    lock, now, most = Lock(), 0, 0

    def watch(_: bytes) -> tuple[int, bytes]:
        nonlocal now, most
        with lock:
            now += 1
            most = max(most, now)
        time.sleep(0.02)
        with lock:
            now -= 1
        return 200, b"{}"

    with canned(watch) as server:
        closed_loop(server.address, [REQUEST], connections=3, seconds=0.1)
    assert most == 3


@pytest.mark.parametrize(
    ("status", "body"), [(500, b"{}"), (200, b'{"degraded":[{"stage":"features"}]}')]
)
def test_an_answer_that_leaves_something_out_is_a_failure(status: int, body: bytes) -> None:
    numbers = count()

    def every_other(_: bytes) -> tuple[int, bytes]:
        return (status, body) if next(numbers) % 2 else (200, b"{}")

    with canned(every_other) as server:
        run = open_loop(server.address, [REQUEST], np.linspace(0, 0.05, 10), connections=1)
    assert run.failed == 5
    assert figures(run, 0.0, 0.0)["p99_ms"] == float("inf")


def test_an_answer_with_nothing_left_out_is_good() -> None:
    assert good(Reply(200, b"", b'{"items":[],"degraded":[],"coverage":{}}'))


def test_a_schedule_has_the_rate_asked_for_and_is_the_same_for_all() -> None:
    schedule = arrivals(rate=1000, seconds=10, seed=1)
    assert len(schedule) == 10_000
    assert schedule[-1] == pytest.approx(10, rel=0.05)
    assert np.array_equal(schedule, arrivals(rate=1000, seconds=10, seed=1))
