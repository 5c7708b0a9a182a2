"""Who is let in, who has to come back later, and how much is done for those who are in."""

import asyncio
from asyncio import Future
from collections import Counter
from collections.abc import Callable
from itertools import cycle
from time import perf_counter_ns
from typing import Final

from service.admission.priority import Priority
from service.admission.queue import Queue
from service.effort import Effort
from service.http.problems import Overloaded

# Shares of the longest wait. Bulk is refused first, then less is done for each, then live ones
# are refused: each step has time to help before the next.
BULK: Final = 0.25
FEWER: Final = 0.25
LIGHT: Final = 0.5
# A queue that was empty this lately is a burst, and not worth a worse answer; one that was not
# stands: more comes than can be done (CoDel; K. Nichols and V. Jacobson, 2012).
STANDING_NS: Final = 100_000_000
# Whoever is refused together must not come back together.
COME_BACK_S: Final = (1, 2, 3)


class Admission:
    """One event loop's room, which is time: as many may wait as are answered while it lasts.

    How many that is follows what a turn of the loop takes at present: fewer when models grow,
    neighbours take the processor or the store is slow, and more when less is done for each. Used
    by the loop's thread alone; others may read the counters. The queueing behind it:
    docs/decisions/0024-overload.md.
    """

    def __init__(self, longest_wait_ms: float, clock: Callable[[], int] = perf_counter_ns) -> None:
        """Make the room of the running event loop."""
        self._longest_ns = longest_wait_ms * 1e6
        self._clock = clock
        self._come_back_s = cycle(COME_BACK_S)
        self.queue = Queue(asyncio.get_running_loop(), self._longest_ns, self._late, clock)
        self.admitted = Counter[Priority]()
        self.refused = Counter[tuple[Priority, str]]()
        self.efforts = Counter[Effort]()

    @property
    def limit(self) -> int:
        """Return how many live requests may wait."""
        return max(1, int(self._longest_ns / self.queue.turn_ns))

    def enter(self, priority: Priority) -> None:
        """Let a request in, before its body is read.

        Raises:
            Overloaded: those who wait already will take too long.
        """
        refusal = self.refusal(priority)
        if refusal is not None:
            raise refusal
        self.admitted[priority] += 1

    def refusal(self, priority: Priority) -> Overloaded | None:
        """Return, and count, what one who came now would be told; None where there is room."""
        share = 1.0 if priority is Priority.LIVE else BULK
        if self.queue.wait_ns(priority) > share * self._longest_ns:
            return self._refusal(priority, "full")
        return None

    def turn(self, priority: Priority) -> Future[None] | None:
        """Return None where the request may begin now, else what is done when its turn has come.

        Raises:
            Overloaded: from the future: those before took longer than could be foreseen.
        """
        return None if self.queue.take() else self.queue.wait(priority)

    def begin(self) -> None:
        """Note that one whose turn has come runs, until its `end`."""
        self.queue.begin()

    def end(self) -> None:
        """Note that one is answered, or waits for another turn."""
        self.queue.end()

    def effort(self) -> Effort:
        """Return how much to do for the request that begins: less while the queue grows."""
        effort = self._effort()
        self.efforts[effort] += 1
        return effort

    def _effort(self) -> Effort:
        wait_ns = self.queue.wait_ns(Priority.LIVE)
        if wait_ns > LIGHT * self._longest_ns:
            return Effort.LIGHT
        if wait_ns > FEWER * self._longest_ns and self._stands():
            return Effort.FEWER
        return Effort.FULL

    def _stands(self) -> bool:
        return self._clock() - self.queue.emptied_ns > STANDING_NS

    def _refusal(self, priority: Priority, reason: str) -> Overloaded:
        self.refused[priority, reason] += 1
        return Overloaded(next(self._come_back_s))

    def _late(self) -> Overloaded:
        return self._refusal(Priority.LIVE, "late")
