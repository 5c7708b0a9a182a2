"""The flight recorder: what one event loop answered last, most slowly, and badly."""

from collections.abc import Callable, Iterable, Sequence
from heapq import heappush, heapreplace
from typing import Final

import msgspec

from service.http.wire import BatchAnswer, SlateAnswer
from service.observe.spans import Trace

SLOW: Final = 64
FAILED: Final = 64
SLOW_FOR_NS: Final = 600 * 10**9
"""The slowest are those of the last ten to twenty minutes: a cold start is history by then."""

LARGEST_BODY: Final = 16 * 1024
MOST_ITEMS: Final = 1000
"""Of a batch with more items in its slates these are not kept; nor is a body of more bytes."""


class Flown(msgspec.Struct, frozen=True, gc=False):
    """One answered request, as references to what it left behind: nothing is encoded or copied.

    ``body`` is None where it was too large to keep, ``answer`` where there was none, or too large
    a one.
    """

    request_id: str
    route: str
    status: int
    total_ns: int
    body: bytes | bytearray | None
    trace: Trace
    answer: SlateAnswer | BatchAnswer | None


type Slow = tuple[int, int, Flown]
"""By what a heap of requests is ordered: nanoseconds, then which came first."""


class Flight:
    """One event loop's recorder: rings of fixed size, written by that loop's thread alone.

    There is no lock. Any thread may read at any time: it gets copies of the rings, in which each
    entry is whole.
    """

    __slots__ = (
        "_bad",
        "_bad_count",
        "_count",
        "_floor_ns",
        "_recent",
        "_slowest",
        "_turn",
    )

    def __init__(self, recent: int) -> None:
        """Keep the last ``recent`` requests, besides the slowest and those that went wrong."""
        self._recent: list[Flown | None] = [None] * recent
        self._bad: list[Flown | None] = [None] * FAILED
        self._count = self._bad_count = 0
        # Of this time and of the one before; bound as one, so that no reader sees half a turn.
        self._slowest: tuple[list[Slow], list[Slow]] = ([], [])
        self._floor_ns = -1
        self._turn = 0

    def record(
        self,
        request_id: str,
        route: str,
        status: int,
        body: bytes | bytearray,
        trace: Trace,
        answer: object,
    ) -> Flown | None:
        """Keep one request; return the one that made room for it."""
        total_ns = trace.elapsed_ns()
        flown = Flown(
            request_id,
            route,
            status,
            total_ns,
            body if len(body) <= LARGEST_BODY else None,
            trace,
            _small(answer),
        )
        place = self._count % len(self._recent)
        gone, self._recent[place] = self._recent[place], flown
        self._count += 1
        if total_ns > self._floor_ns or trace.started_ns > self._turn:
            self._keep_slow(flown)
        if status != 200 or trace.degraded:
            self._bad[self._bad_count % FAILED] = flown
            self._bad_count += 1
        return gone

    def recent(self) -> list[Flown]:
        """Return the last requests, in any order."""
        return [one for one in self._recent.copy() if one is not None]

    def slow(self) -> list[Flown]:
        """Return the slowest requests, in any order."""
        now, before = self._slowest
        return [one for _, _, one in (*now.copy(), *before.copy())]

    def bad(self) -> list[Flown]:
        """Return the last requests that failed or fell back, in any order."""
        return [one for one in self._bad.copy() if one is not None]

    def _keep_slow(self, flown: Flown) -> None:
        if flown.trace.started_ns > self._turn:
            self._slowest, self._floor_ns = ([], self._slowest[0]), -1
            self._turn = flown.trace.started_ns + SLOW_FOR_NS
        slow, entry = self._slowest[0], (flown.total_ns, self._count, flown)
        if len(slow) < SLOW:
            heappush(slow, entry)
        else:
            heapreplace(slow, entry)
        if len(slow) == SLOW:
            self._floor_ns = slow[0][0]


def _small(answer: object) -> SlateAnswer | BatchAnswer | None:
    """Return what may be kept of an answer."""
    if isinstance(answer, SlateAnswer):
        if answer.debug is not None:
            return msgspec.structs.replace(answer, debug=None)
        return answer
    if isinstance(answer, BatchAnswer) and (
        sum(len(slate.items) for slate in answer.slates) <= MOST_ITEMS
    ):
        return answer
    return None


type Kept = Callable[[Flight], Iterable[Flown]]

ORDERS: Final[dict[str, tuple[Kept, Callable[[Flown], float]]]] = {
    "recent": (Flight.recent, lambda one: one.trace.arrived_s),
    "slow": (Flight.slow, lambda one: one.total_ns),
    "failed": (Flight.bad, lambda one: one.trace.arrived_s),
}
"""Which requests to list, and by what: the highest first."""


def merged(flights: Sequence[Flight], order: str, limit: int) -> list[Flown]:
    """Return up to ``limit`` requests of all loops, in one of `ORDERS`."""
    kept, rank = ORDERS[order]
    everything = [one for flight in list(flights) for one in kept(flight)]
    return sorted(everything, key=rank, reverse=True)[:limit]


def find(flights: Sequence[Flight], request_id: str) -> Flown | None:
    """Return the request of that id, if any loop still keeps it."""
    for flight in list(flights):
        for kept, _ in ORDERS.values():
            for one in kept(flight):
                if one.request_id == request_id:
                    return one
    return None
