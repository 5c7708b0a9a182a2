"""One piece of work in shares: anyone takes them, and nobody is waited for longer than need be."""

import os
import sys
import threading
from collections import deque
from collections.abc import Callable, Sequence
from itertools import pairwise
from time import perf_counter_ns
from typing import Final

type Work[T] = Callable[[int, int], T]
"""Returns what becomes of rows ``[lo, hi)``. It writes nowhere, for a share may be done twice."""

# To sleep and be woken costs more than most waits here last, so who waits looks for a while first,
# giving way to any thread that wants the core (docs/decisions/0013). With the GIL, looking would
# keep the awaited thread from running.
LOOK_NS = 0 if sys._is_gil_enabled() else 500_000
# What looks at the clock itself, after each piece of its work, stops this late at most.
GRACE_NS: Final = 2_000_000


class Job[T]:
    """Work for ``[0, rows)`` in ``bounds``; of a share that is done twice the first result counts.

    Nobody writes to what others read: results are handed over, one value per share. So a helper
    that was left behind in the middle of a share may end it whenever it likes.
    """

    __slots__ = ("_bounds", "_done", "_open", "_others", "_results", "_todo", "_work", "fault")

    def __init__(self, work: Work[T], bounds: Sequence[tuple[int, int]]) -> None:
        self.fault: BaseException | None = None
        self._work = work
        self._bounds = bounds
        self._todo = deque(range(len(bounds)))
        self._open = dict.fromkeys(self._todo)
        self._others = deque(bounds[1:])  # one is popped for each share done; none left: the last
        self._results: dict[int, T] = {}
        self._done = threading.Lock()
        self._done.acquire()

    @property
    def total(self) -> int:
        """Return the number of shares."""
        return len(self._bounds)

    def take_shares(self, wanted_elsewhere: Callable[[], bool] = lambda: False) -> int:
        """Do shares until none is left or the thread is wanted; return how many it did."""
        did = 0
        while not wanted_elsewhere():
            try:
                index = self._todo.popleft()
            except IndexError:
                break
            self._do(index)
            did += 1
        return did

    def settle(self, patience_ns: float, stop_ns: float) -> bool:
        """Return when every share is done, or at ``stop_ns``; tell whether all are.

        A share that another thread began is waited for until ``patience_ns`` is over, and then
        done again. To wait for about as long as that takes never costs much more than the least
        that could be had (the ski rental problem; Karlin, Manasse, Rudolph, Sleator,
        Algorithmica 1988, section 2).

        Raises:
            BaseException: what the first share to fail raised.
        """
        done = self._done_by(min(perf_counter_ns() + patience_ns, stop_ns))
        if not done and perf_counter_ns() < stop_ns:
            for index in self._open.copy():
                self._do(index)
            done = True
        done = done or self._done_by(stop_ns + GRACE_NS)
        if self.fault is not None:
            raise self.fault
        return done

    def results(self) -> list[T]:
        """Return what became of the shares, in their order, without those that are not done."""
        found = self._results.copy()
        return [found[index] for index in range(len(self._bounds)) if index in found]

    def _do(self, index: int) -> None:
        try:
            if self.fault is None:
                self._results.setdefault(index, self._work(*self._bounds[index]))
        except BaseException as fault:  # noqa: BLE001  raised again by whoever asked
            self.fault = fault
        if self._open.pop(index, self) is self:
            return  # another was sooner
        try:
            self._others.pop()
        except IndexError:
            self._done.release()

    def _done_by(self, moment_ns: float) -> bool:
        """Wait until every share is done or the moment has come; tell which."""
        look_until_ns = min(moment_ns, perf_counter_ns() + LOOK_NS)
        while self._done.locked():
            if perf_counter_ns() >= look_until_ns:
                left_s = (moment_ns - perf_counter_ns()) / 1e9
                return self._done.acquire(timeout=min(max(0.0, left_s), threading.TIMEOUT_MAX))
            os.sched_yield()
        return True


def bounds(rows: int, parts: int) -> list[tuple[int, int]]:
    """Cut ``[0, rows)`` into ``parts`` contiguous ranges whose lengths differ by one at most."""
    edges = [rows * part // parts for part in range(parts + 1)]
    return list(pairwise(edges))
