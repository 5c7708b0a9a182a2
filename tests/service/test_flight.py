"""The flight recorder: what it keeps, what it lets go, and that readers only see whole entries."""

import threading
from typing import Any

import pytest

from service.http.wire import BatchAnswer, Coverage, RankedItem, SlateAnswer
from service.observe import flight as module
from service.observe.flight import Flight, Flown, find, merged
from service.observe.spans import Trace

ROUTE = "/v1/recommendations"


def slate(request_id: str, items: int = 1) -> SlateAnswer:
    item: Any = RankedItem("1", 1.0, "vector", "", b"{}")  # type: ignore[arg-type]  # any bytes do
    return SlateAnswer(request_id, "v", "home", "control", [item] * items, [], Coverage(1, 1))


def record(
    flight: Flight,
    request_id: str,
    *,
    took_ns: int = 0,
    status: int = 200,
    degraded: tuple[tuple[str, str], ...] = (),
    body: bytes = b"{}",
    answer: object = None,
) -> None:
    trace = Trace()
    trace.started_ns -= took_ns
    trace.degraded.extend(degraded)
    flight.record(request_id, ROUTE, status, body, trace, answer)


def ids(flown: list[Flown]) -> list[str]:
    return [one.request_id for one in flown]


def test_the_last_requests_are_kept_and_the_latest_comes_first() -> None:
    flight = Flight(4)
    for number in range(10):
        record(flight, f"r{number}")
    assert ids(merged([flight], "recent", 10)) == ["r9", "r8", "r7", "r6"]
    assert ids(merged([flight], "recent", 2)) == ["r9", "r8"]


def test_the_slowest_outlive_many_that_come_after_them() -> None:
    flight = Flight(4)
    record(flight, "slow", took_ns=10**10)
    for number in range(1000):
        record(flight, f"r{number}", took_ns=number * 10**6)
    found = merged([flight], "slow", 3)
    assert ids(found)[0] == "slow"
    assert len(merged([flight], "slow", 10_000)) == module.SLOW
    assert find([flight], "slow") is not None
    assert find([flight], "r3") is None


def test_what_was_slow_long_ago_makes_room(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "SLOW_FOR_NS", 0)  # each request begins a time of its own
    flight = Flight(1)
    record(flight, "cold start", took_ns=10**9)
    for number in range(3):
        record(flight, f"r{number}")
    assert find([flight], "cold start") is None


def test_failed_and_degraded_requests_outlive_the_good_ones() -> None:
    flight = Flight(2)
    record(flight, "failed", status=500)
    record(flight, "fell back", degraded=(("context", "store_down"),))
    for number in range(500):
        record(flight, f"r{number}")
    assert set(ids(merged([flight], "failed", 10))) == {"failed", "fell back"}


def test_memory_is_bounded_by_what_is_kept_of_each_request() -> None:
    flight = Flight(2)
    record(flight, "large", body=b"x" * (module.LARGEST_BODY + 1), answer=slate("large"))
    found = find([flight], "large")
    assert found is not None
    assert found.body is None
    assert found.answer == slate("large")
    for items, kept in ((module.MOST_ITEMS, True), (module.MOST_ITEMS + 1, False)):
        answer = BatchAnswer("b", [slate("b.0", items)])
        record(flight, "batch", answer=answer)
        found = find([flight], "batch")
        assert found is not None
        assert (found.answer is answer) == kept
        record(flight, "next")
        record(flight, "next")
        flight = Flight(2)


def test_loops_are_read_as_one() -> None:
    one, other = Flight(4), Flight(4)
    record(one, "a", took_ns=5 * 10**8)
    record(other, "b", took_ns=9 * 10**8)
    assert ids(merged([one, other], "slow", 10)) == ["b", "a"]
    assert set(ids(merged([one, other], "recent", 10))) == {"a", "b"}
    assert find([one, other], "b") is not None


def test_readers_only_see_whole_entries_while_loops_record() -> None:
    """Four loops record as fast as they can; each entry must be what one call recorded."""
    flights = [Flight(64) for _ in range(4)]
    together, ended, wrong = threading.Barrier(6), threading.Event(), list[object]()

    def write(loop: int) -> None:
        together.wait()
        for number in range(4000):
            name = f"{loop}-{number}"
            bad = number % 7 == 0
            record(
                flights[loop],
                name,
                took_ns=number * 1000,
                status=500 if bad else 200,
                body=name.encode(),
                answer=None if bad else slate(name),
            )

    def read() -> None:
        together.wait()
        while not ended.is_set():
            for order in ("recent", "slow", "failed"):
                for one in merged(flights, order, 10_000):
                    whole = one.body == one.request_id.encode() and (
                        one.status == 500
                        or getattr(one.answer, "request_id", None) == one.request_id
                    )
                    if not whole:
                        wrong.append(one)
            find(flights, "0-1")

    writers = [threading.Thread(target=write, args=(loop,)) for loop in range(4)]
    readers = [threading.Thread(target=read) for _ in range(2)]
    for thread in (*writers, *readers):
        thread.start()
    for thread in writers:
        thread.join()
    ended.set()
    for thread in readers:
        thread.join()
    assert wrong == []
    for loop, flight in enumerate(flights):
        assert set(ids(flight.recent())) == {f"{loop}-{number}" for number in range(3936, 4000)}
        assert len(flight.slow()) == module.SLOW
