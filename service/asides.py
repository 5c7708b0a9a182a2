"""Threads for what a request asks on the side: sources that may come too late."""

import logging
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from threading import Barrier, Semaphore
from typing import Final

from ranking.retrieval.found import Found
from ranking.retrieval.gather import Begin, Work
from ranking.retrieval.plan import Call
from service.observe.spans import Trace

THREADS: Final = 4
STAGE: Final = "retrieve"

log = logging.getLogger("braid")


class Asides:
    """A few threads, started once. One that hangs is lost until it comes back; others go on.

    When none is free a source is left out at once, rather than that requests queue up behind it.
    """

    def __init__(self, threads: int = THREADS) -> None:
        self._free = Semaphore(threads)
        self._pool = ThreadPoolExecutor(threads, "braid-aside")
        all_there = Barrier(threads)
        for started in [self._pool.submit(all_there.wait) for _ in range(threads)]:
            started.result()

    def beginning(self, trace: Trace) -> Begin:
        """Return how one request begins its asides; what is left out is told in its trace."""

        def begin(call: Call, work: Work) -> Callable[[], Found | None]:
            if not self._free.acquire(blocking=False):
                trace.degrade(STAGE, f"source_busy:{call.name}")
                return lambda: None
            deadline_s = trace.elapsed_ns() / 1e9 + (call.deadline_ms or float("inf")) / 1e3
            asked = self._pool.submit(work)
            asked.add_done_callback(lambda _: self._free.release())
            return lambda: _offer(call, asked, deadline_s, trace)

        return begin

    def close(self) -> None:
        """Let no more begin; a thread that hangs is not waited for."""
        self._pool.shutdown(wait=False, cancel_futures=True)


def _offer(call: Call, asked: Future[Found], deadline_s: float, trace: Trace) -> Found | None:
    left_s = min(deadline_s - trace.elapsed_ns() / 1e9, trace.left_s())
    try:
        return asked.result(max(0.0, left_s) if left_s != float("inf") else None)
    except TimeoutError:
        asked.cancel()
        trace.degrade(STAGE, f"source_late:{call.name}")
    except Exception:  # what is wrong with one source costs its offer, not the request
        log.exception("source %r failed", call.name)
        trace.degrade(STAGE, f"source_failed:{call.name}")
    return None
