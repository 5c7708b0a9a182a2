"""Code of the user's own beside a request: sources that may come too late, scorers that hang."""

import logging
from collections.abc import Callable
from concurrent.futures import Future
from math import inf
from time import perf_counter_ns
from typing import Final

from features.errors import StoreUnavailable
from ranking.retrieval.found import Found
from ranking.retrieval.gather import Begin
from ranking.retrieval.gather import Work as Ask
from ranking.retrieval.plan import Call
from service import budget
from service.crew import Work
from service.observe.spans import NS_PER_MS, Trace, seconds_until
from service.side_threads import SideThreads
from service.watchdog import Late, Watchdog

SOURCE_THREADS: Final = 4
SCORER_THREADS: Final = 2
SCORER_NICE: Final = 19
"""What hangs may do so at the top of its voice: it gets what the others leave of a core."""

log = logging.getLogger("braid")


class Asides:
    """Threads on the side, and the watchdog over all that is the user's own."""

    def __init__(self) -> None:
        self.watchdog = Watchdog()
        self._sources = SideThreads(SOURCE_THREADS, "braid-source")
        self._scorers = SideThreads(SCORER_THREADS, "braid-scorer", SCORER_NICE)

    def beginning(self, trace: Trace) -> Begin:
        """Return how one request begins its asides; what is left out is told in its trace."""

        def begin(call: Call, ask: Ask) -> Callable[[], Found | None]:
            own_ns = perf_counter_ns() + (call.deadline_ms or inf) * NS_PER_MS
            stop_ns = min(own_ns, trace.stop_ns(budget.RETRIEVE))
            asked = self._sources.begin(lambda: self.watchdog.call(ask, stop_ns))
            if asked is None:
                trace.degrade("retrieve", f"source_busy:{call.name}")
                return lambda: None
            return lambda: _offer(call, asked, stop_ns, trace)

        return begin

    def score[T](self, work: Work[T], blocks: int, stop_ns: float, trace: Trace) -> list[T]:
        """Have a scorer that may hang score aside; nothing where it does, or no thread is free."""
        asked = self._scorers.begin(lambda: work(0, blocks))
        if asked is None:
            trace.degrade("score", "scorer_busy")
            return []
        try:
            return [asked.result(_left_s(stop_ns))]
        except TimeoutError:
            return []

    def close(self) -> None:
        """Let no more begin; a thread that hangs is not waited for."""
        self._sources.close()
        self._scorers.close()
        self.watchdog.close()


def _offer(call: Call, asked: Future[Found], stop_ns: float, trace: Trace) -> Found | None:
    try:
        return asked.result(_left_s(stop_ns))
    except TimeoutError, Late:
        trace.degrade("retrieve", f"source_late:{call.name}")
    except StoreUnavailable:  # an engine's: who asks it tells of it, once and not per request
        trace.degrade("retrieve", f"source_failed:{call.name}")
    except Exception:  # what is wrong with one source costs its offer, not the request
        log.exception("source %r failed", call.name)
        trace.degrade("retrieve", f"source_failed:{call.name}")
    return None


def _left_s(stop_ns: float) -> float | None:
    """Return seconds until then, None for ever."""
    return seconds_until(stop_ns) if stop_ns < inf else None
