"""Requests wait here for their event loop, which begins one of them in each of its turns."""

from asyncio import AbstractEventLoop, Future, TimerHandle
from collections import OrderedDict
from collections.abc import Callable
from time import perf_counter_ns
from typing import Final

from service.admission.priority import Priority

# What a turn costs is learnt from about so many of the last, of which each counts for at most so
# many times what is known: a collection or a page of metrics is no measure of what requests cost.
MEMORY: Final = 8
MOST_OF_ONE: Final = 4
FIRST_GUESS_NS: Final = 1e6

# While so many have begun and wait for the store, or compute, the next begins when one of them is
# done: their work is a queue as well, and one that nobody would see. If none is done for a while
# they all wait for something, and the processor is free.
MOST_RUNNING: Final = 4
HOLD_S: Final = 0.001

Line = OrderedDict[Future[None], int]
"""Who waits, in their order, and since when (nanoseconds)."""


class Queue:
    """One event loop's queue: of requests, where the loop's own is of bytes in sockets.

    A loop that answers whatever it finds readable, one after the other, reads the last of them
    when all others are answered: nobody knows by then how long it has waited, and its refusal
    comes as late as an answer would have. With one beginning per turn, the loop looks at its
    sockets after each: it knows who waits and for how long, and who is refused hears of it within
    about the time of one request.
    """

    __slots__ = (
        "_began_ns",
        "_bulk",
        "_bulk_ns",
        "_clock",
        "_hold",
        "_late",
        "_live",
        "_longest_ns",
        "_loop",
        "_running",
        "_taken",
        "emptied_ns",
        "turn_ns",
    )

    def __init__(
        self,
        loop: AbstractEventLoop,
        longest_ns: float,
        late: Callable[[], Exception],
        clock: Callable[[], int] = perf_counter_ns,
    ) -> None:
        """Give who has waited for twice ``longest_ns`` what ``late`` returns in place of a turn."""
        self._loop = loop
        self._late = late
        self._clock = clock
        self._longest_ns = longest_ns
        self._live, self._bulk = Line(), Line()
        self._taken = False
        self._hold: TimerHandle | None = None
        self._running = 0
        self._began_ns = self._bulk_ns = 0
        self.turn_ns = FIRST_GUESS_NS
        self.emptied_ns = clock()

    def __len__(self) -> int:
        """Return how many wait."""
        return len(self._live) + len(self._bulk)

    def ahead(self, priority: Priority) -> int:
        """Return how many wait that go before a newcomer."""
        return len(self._live) if priority is Priority.LIVE else len(self)

    def wait_ns(self, priority: Priority) -> float:
        """Return how long a newcomer will wait, as far as that is known; 0 where nobody waits."""
        ahead = self.ahead(priority)
        return (ahead + min(self._running, MOST_RUNNING)) * self.turn_ns if ahead else 0.0

    def take(self) -> bool:
        """Take this turn of the loop, where nobody has and nobody waits."""
        if self._taken or self._hold is not None or self._running >= MOST_RUNNING:
            return False
        self._began_ns = self.emptied_ns = self._clock()
        self._take()
        return True

    def wait(self, priority: Priority) -> Future[None]:
        """Return what is done when the turn has come.

        Raises:
            Exception: from the future: those before took longer than anybody could foresee.
        """
        future = self._loop.create_future()
        line = self._live if priority is Priority.LIVE else self._bulk
        line[future] = self._clock()
        # Whoever goes makes room at once, for a crowd that gives up must keep nobody out.
        future.add_done_callback(lambda gone: line.pop(gone, None))
        if not self._taken and self._hold is None:
            self._hold = self._loop.call_later(HOLD_S, self._go_on)
        return future

    def begin(self) -> None:
        """Note that one whose turn has come runs, until its `end`."""
        self._running += 1

    def end(self) -> None:
        """Note that one has done its work."""
        self._running -= 1
        if self._hold is not None:
            self._hold.cancel()
            self._hold = None
            self._take()

    def _take(self) -> None:
        self._taken = True
        self._loop.call_soon(self._turn)  # behind the one that begins

    def _turn(self) -> None:
        """Go on, when the loop has been through all that was ready."""
        self._taken = False
        if self._running >= MOST_RUNNING and len(self):
            self._hold = self._loop.call_later(HOLD_S, self._go_on)
        else:
            self._go_on()

    def _go_on(self) -> None:
        """Let the next one begin."""
        self._hold = None
        try:
            self._let_begin()
        finally:
            # Whatever went wrong, who waits must not wait for ever: nobody else would call this.
            if len(self) and not self._taken:
                self._take()

    def _let_begin(self) -> None:
        now = self._clock()
        took_ns = min(now - self._began_ns, MOST_OF_ONE * self.turn_ns)
        self.turn_ns += (took_ns - self.turn_ns) / MEMORY
        future = self._next(now)
        if future is None:
            self.emptied_ns = now
            return
        self._began_ns = now
        future.set_result(None)
        self._take()

    def _next(self, now: int) -> Future[None] | None:
        live, bulk = self._live, self._bulk
        while live or bulk:
            # What was let in is done some time: bulk goes last, but not never.
            since_ns = max(next(iter(bulk.values()), now), self._bulk_ns)
            last = not live or now - since_ns > self._longest_ns
            future, since_ns = (bulk if last else live).popitem(last=False)
            if future.done():  # its client has gone
                continue
            if last:
                self._bulk_ns = now
            elif now - since_ns > 2 * max(self._longest_ns, self.turn_ns):
                future.set_exception(self._late())
                continue
            return future
        return None
