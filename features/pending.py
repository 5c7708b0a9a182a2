"""Who waits for a reply on one connection, in the order in which replies come, and how long."""

import asyncio
import math
from collections import deque
from collections.abc import Callable
from time import monotonic
from typing import Any, NamedTuple

from features.errors import CommandRefused, StoreUnavailable

type Decode[T] = Callable[[bytearray, int, int], tuple[T | CommandRefused, int] | None]
"""Reads one reply from ``buffer[start:stop]``: (value, end), or None while it is incomplete."""

LAST_LOOK_S = 0.001
TICK_S = 0.001
"""How late the two timers are together, in the middle: they count milliseconds."""
WITHIN_S = LAST_LOOK_S + TICK_S
"""What is taken from the caller's time to end within it."""
STUCK = 0.75
"""Of the caller's time for a read, what the server surely had: the rest may have gone by before
the commands were written, by a busy machine or a long list of keys."""


class Waiting(NamedTuple):
    """A command that has no reply yet; times are monotonic seconds."""

    decode: Decode[Any]
    answer: asyncio.Future[Any]
    sent_at: float
    due: float


class Pending:
    """The commands that were sent and have no reply yet.

    One that gave up keeps its place, so that its reply is read and thrown away. One timer serves
    all: it goes off when the first of them is due, and a stream of commands that are answered in
    time finds it set. ``stuck`` is called when the oldest has waited for ``stall_s``.
    """

    def __init__(self, stall_s: float, stuck: Callable[[], None]) -> None:
        self._stall_s = stall_s
        self._stuck = stuck
        self._loop = asyncio.get_running_loop()
        self._queue = deque[Waiting]()
        self._timer: asyncio.TimerHandle | None = None
        self._timer_due = math.inf

    def __len__(self) -> int:
        """Return how many replies are still to come."""
        return len(self._queue)

    def add[T](self, decode: Decode[T], limit_s: float) -> asyncio.Future[T]:
        """Wait for the next reply, or for ``limit_s`` and then a StoreUnavailable."""
        answer: asyncio.Future[T] = self._loop.create_future()
        now = monotonic()  # the loop's clock stands still while the loop is busy
        due = now + limit_s - WITHIN_S
        self._queue.append(Waiting(decode, answer, now, due))
        if due < self._timer_due:
            self._set_timer(due)
        return answer

    def next(self) -> Waiting:
        """Return whose reply comes next.

        Raises:
            IndexError: nobody waits.
        """
        return self._queue[0]

    def pop(self) -> None:
        """Take off whoever was next."""
        self._queue.popleft()

    def fail(self, fault: str) -> None:
        """Tell all who still wait that there will be no reply."""
        self._set_timer(math.inf)
        while self._queue:
            answer = self._queue.popleft().answer
            if not answer.done():
                answer.set_exception(StoreUnavailable("store_down", fault))

    def _set_timer(self, due: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer_due = due
        self._timer = None
        if due < math.inf:
            self._timer = self._loop.call_later(due - monotonic(), self._look_once_more)

    def _look_once_more(self) -> None:
        """Let the loop read before giving up: it may have been busy while the reply lay there."""
        now = max(monotonic(), self._timer_due)  # a timer that counts milliseconds may be early
        self._timer = self._loop.call_later(LAST_LOOK_S, self._give_up, now)

    def _give_up(self, now: float) -> None:
        """Fail those who were due at the last look; be here again for the next of the others."""
        waiting = [one for one in self._queue if not one.answer.done()]
        self._set_timer(min((one.due for one in waiting if one.due > now), default=math.inf))
        late = [one for one in waiting if one.due <= now]
        for one in late:
            one.answer.set_exception(StoreUnavailable("store_timeout"))
        # One late reply may be bad luck; a connection on which the oldest command has waited about
        # that long is stuck, and every request would wait for it in vain.
        if late and now - self._queue[0].sent_at >= STUCK * self._stall_s:
            self._stuck()
