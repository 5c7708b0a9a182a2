"""How records get into the store's streams without any request waiting for it."""

import asyncio
from collections.abc import Callable, Sequence
from typing import Any, Final

from features.errors import StoreUnavailable
from features.store import FeatureStore

TICK_S: Final = 0.01
"""What comes within it goes out as one write."""
MOST_HELD: Final = 256
"""Records of one event loop that may wait or be under way; more are dropped."""


class Appender[T]:
    """Writes one event loop's records of one kind; belongs to that loop's thread.

    ``commands`` makes of a record what is to be written, when it is written: on the way of a
    request stands one append to a list. A record that the store does not take is dropped, and
    counted: these are logs, not events.
    """

    def __init__(
        self,
        store: FeatureStore,
        commands: Callable[[T], Sequence[bytes]],
        most_held: int = MOST_HELD,
    ) -> None:
        self.written = 0
        self.dropped = 0
        self._store = store
        self._commands = commands
        self._most_held = most_held
        self._waiting: list[T] = []
        self._under_way: dict[asyncio.Future[Any], int] = {}
        self._timer: asyncio.TimerHandle | None = None

    def add(self, record: T) -> None:
        """Have a record written soon."""
        if len(self._waiting) + sum(self._under_way.values()) >= self._most_held:
            self.dropped += 1
            return
        self._waiting.append(record)
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(TICK_S, self._flush)

    async def close(self) -> None:
        """Write what waits, and return when the store has had its time to answer."""
        self._flush()
        await asyncio.gather(*self._under_way, return_exceptions=True)
        await asyncio.sleep(0)  # let those be counted that have just been answered

    def _flush(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        records, self._waiting = self._waiting, []
        if not records:
            return
        try:
            sent = self._store.append([one for record in records for one in self._commands(record)])
        except StoreUnavailable:
            self.dropped += len(records)
            return
        self._under_way[sent] = len(records)
        sent.add_done_callback(self._note)

    def _note(self, sent: asyncio.Future[Any]) -> None:
        count = self._under_way.pop(sent)
        if sent.cancelled() or sent.exception() is not None:
            self.dropped += count
        else:
            self.written += count
