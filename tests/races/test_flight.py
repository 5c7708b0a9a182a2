"""The flight recorder read while it is written: entries whole, in place, and each once."""

from collections.abc import Iterator

import pytest

from service.observe import flight as module
from service.observe.flight import Flight, Flown, find, merged
from service.observe.spans import Trace
from tests.races.together import against

RECORDS = 30_000
RECENT = 64


@pytest.fixture
def flight(monkeypatch: pytest.MonkeyPatch) -> Flight:
    """One whose slowest are history after ten microseconds, so that they are every few records."""
    monkeypatch.setattr(module, "SLOW_FOR_NS", 10_000)
    return Flight(RECENT)


def fly(flight: Flight) -> None:
    for number in range(RECORDS):
        trace = Trace()
        trace.started_ns -= number % 1000 * 1000
        body = b"%d" % number
        flight.record(f"r{number}", "/v1/rank", 200 + number % 2, body, trace, None)


def entries(flight: Flight) -> Iterator[list[Flown]]:
    yield flight.recent()
    yield flight.slow()
    yield flight.bad()


def test_every_entry_is_whole_and_no_list_has_it_twice(flight: Flight) -> None:
    def look() -> None:
        for found in entries(flight):
            ids = [one.request_id for one in found]
            assert len(ids) == len(set(ids))
            for one in found:
                number = int(one.request_id[1:])
                assert (one.body, one.status) == (b"%d" % number, 200 + number % 2)

    against([lambda: fly(flight)], look, look)
    assert {one.request_id for one in flight.recent()} == {
        f"r{number}" for number in range(RECORDS - RECENT, RECORDS)
    }


def test_the_slowest_do_not_vanish_while_they_become_history(flight: Flight) -> None:
    fly(flight)

    def look() -> None:
        assert merged([flight], "slow", 1)

    against([lambda: fly(flight)], look, look)
    assert find([flight], f"r{RECORDS - 1}") is not None
