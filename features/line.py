"""Hearing from one server which item rows are no longer what they were.

One connection has the server announce every write to a key of an item row (RESP3,
`CLIENT TRACKING ... BCAST`), whoever writes it. It asks for a PONG ten times a second: replies
and announcements come in one order, so a PONG proves that all that was written before the PING
was sent (and acknowledged to its writer) has been heard. See docs/decisions/0006-near-cache.md.
"""

import asyncio
import logging
import math
from time import monotonic
from typing import Protocol

from features.address import Address
from features.chance import CHANCE
from features.connection import Connection
from features.errors import CommandRefused, StoreUnavailable
from features.resp import Replies, Reply, command
from features.sentinel import reach

CONNECT_TIMEOUT_S = 0.5
PING_EVERY_S = 0.1
LOST_AFTER_S = 2.0  # in doubt long before: a late PONG may yet come, and then nothing is lost
RECONNECT_LONGEST_S = 0.5
REFUSED_PAUSE_S = 30.0

PING = command("PING")

log = logging.getLogger("braid")


def track(prefix: bytes) -> bytes:
    """Return the commands that have writes to such keys announced."""
    return command("HELLO", 3) + command("CLIENT", "TRACKING", "ON", "BCAST", "PREFIX", prefix)


class Listener(Protocol):
    """Who is told what a line hears of keys that begin with ``prefix``."""

    prefix: bytes

    def hear(self, push: list[Reply]) -> None:
        """Take a push: the keys that were written to, or None where all are gone."""

    def begin(self) -> None:
        """Know that from now on announcements come; what was written before is not known."""

    def prove(self) -> None:
        """Know that a line's ``proved_at`` has changed."""

    def note(self, refusal: str | None) -> None:
        """Know whether the server tracks, and if not, what it said."""


class Line:
    """Listens to one server for as long as `keep` runs; belongs to one event loop.

    ``proved_at`` is up to when (monotonic seconds) every announcement is known to have arrived.
    """

    def __init__(self, address: Address, listener: Listener) -> None:
        self.proved_at = -math.inf
        self._address = address
        self._listener = listener
        self._connection: Connection | None = None

    @property
    def stands(self) -> bool:
        """Tell whether there is a connection, which may have stopped to answer of late."""
        return self._connection is not None

    async def keep(self) -> None:
        """Listen, and connect again whenever the connection is lost."""
        while True:
            try:
                await self._track()
            except StoreUnavailable, TimeoutError:
                pass
            except Exception:
                log.exception("tracking item rows failed, and is tried again")
            # Full jitter: many replicas lost the same server at the same moment.
            await asyncio.sleep(CHANCE.uniform(0, RECONNECT_LONGEST_S))

    async def ask(self, payload: bytes) -> Reply:
        """Ask something else by the way.

        Raises:
            StoreUnavailable: there is no connection, or no answer; TimeoutError: not in time.
        """
        if self._connection is None:
            raise StoreUnavailable("store_down")
        [reply] = await _ask(self._connection, payload, 1)
        return reply

    async def _track(self) -> None:
        """Live for as long as one connection.

        Raises:
            StoreUnavailable: it did not come to stand, or broke.
            TimeoutError: it stopped to answer.
        """
        connection = await reach(self._address, CONNECT_TIMEOUT_S, self._listener.hear)
        try:
            began = monotonic()
            try:
                await _ask(connection, track(self._listener.prefix), 2)
            except CommandRefused as refusal:
                self._listener.note(str(refusal))
                await asyncio.wait([connection.closed], timeout=REFUSED_PAUSE_S)
                return
            self._listener.note(None)
            self._listener.begin()
            self._connection = connection
            self._prove(began)
            while not connection.closed.done():
                asked = monotonic()
                await _ask(connection, PING, 1)
                self._prove(asked)
                await asyncio.wait([connection.closed], timeout=PING_EVERY_S)
        finally:
            self._connection = None
            self._prove(-math.inf)
            connection.abort()

    def _prove(self, at: float) -> None:
        self.proved_at = at
        self._listener.prove()


async def _ask(connection: Connection, payload: bytes, count: int) -> list[Reply]:
    async with asyncio.timeout(LOST_AFTER_S):
        return await connection.send(payload, Replies(count))
