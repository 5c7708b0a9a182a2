"""Requests wait here for their event loop, which begins one of them in each of its turns."""

from asyncio import AbstractEventLoop, Future
from collections import OrderedDict
from collections.abc import Callable
from time import perf_counter_ns

from service.admission.priority import Priority

# What a turn of the loop costs is learnt from about this many of the last turns.
MEMORY = 8
FIRST_GUESS_NS = 1e6

type Line = OrderedDict[Future[None], int]
"""Who waits, in their order, and since when (nanoseconds)."""


class Queue:
    """One event loop's queue: of requests, where the loop's own is of bytes in sockets.

    A loop that answers whatever it finds readable, one after the other, reads the last of them
    when all others are answered: nobody knows by then how long it has waited, and its refusal
    comes as late as an answer would have. With one beginning per turn, the loop looks at its
    sockets after each: it knows who waits and for how long, and who is refused hears of it within
    about the time of one request. Requests that wait for the store go on in turns of their own,
    which are longer for it, so that fewer begin: no limit on them is needed.
    """

    __slots__ = (
        "_began_ns",
        "_bulk_ns",
        "_clock",
        "_late",
        "_longest_ns",
        "_loop",
        "_taken",
        "_waiting",
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
        self._waiting: dict[Priority, Line] = {one: OrderedDict() for one in Priority}
        self._taken = False
        self._began_ns = self._bulk_ns = 0
        self.turn_ns = FIRST_GUESS_NS
        self.emptied_ns = clock()

    def __len__(self) -> int:
        """Return how many wait."""
        return sum(map(len, self._waiting.values()))

    def ahead(self, priority: Priority) -> int:
        """Return how many wait that go before a newcomer."""
        return sum(len(self._waiting[one]) for one in Priority if one >= priority)

    def take(self) -> bool:
        """Begin at once, where nobody has begun in this turn of the loop, and so nobody waits."""
        if self._taken:
            return False
        self._taken = True
        self._began_ns = self.emptied_ns = self._clock()
        self._loop.call_soon(self._turn)
        return True

    def wait(self, priority: Priority) -> Future[None]:
        """Return what is done when the turn has come.

        Raises:
            Exception: from the future: those before took longer than anybody could foresee.
        """
        future = self._loop.create_future()
        line = self._waiting[priority]
        line[future] = self._clock()
        # Whoever goes makes room at once, for a crowd that gives up must keep nobody out.
        future.add_done_callback(lambda gone: line.pop(gone, None))
        return future

    def _turn(self) -> None:
        """Let the next one begin; called when the loop has been through all that was ready."""
        now = self._clock()
        # A collection or a page of metrics is no measure of what requests cost: bounded.
        took_ns = min(now - self._began_ns, 2 * self.turn_ns)
        self.turn_ns += (took_ns - self.turn_ns) / MEMORY
        future = self._next(now)
        if future is None:
            self._taken = False
            self.emptied_ns = now
            return
        self._began_ns = now
        future.set_result(None)
        self._loop.call_soon(self._turn)  # behind the one that begins

    def _next(self, now: int) -> Future[None] | None:
        live, bulk = self._waiting[Priority.LIVE], self._waiting[Priority.BULK]
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
