"""One server as one event loop reaches it: a connection, and a breaker around it."""

import asyncio
import math
from collections.abc import Callable
from time import monotonic
from typing import Literal

from features.address import Address
from features.chance import CHANCE
from features.connection import Connection
from features.counts import StoreCounts
from features.errors import StoreUnavailable
from features.pending import Decode
from features.sentinel import reach

type Breaker = Literal["closed", "half_open", "open"]

CONNECT_TIMEOUT_S = 0.5
RECONNECT_FIRST_S, RECONNECT_LONGEST_S = 0.02, 0.5


class Node:
    """Keeps one pipelined connection to one server, reconnecting in the background.

    The breaker is **closed** while a connection stands; **open** without one, when commands fail
    at once; **half-open** during the one attempt to connect of each pause (a PING that is
    answered closes it). It opens when the connection breaks, and that does so when the oldest
    command has waited for ``stall_s``. ``lost`` is called when it opens.
    """

    def __init__(
        self,
        address: Address,
        stall_s: float,
        counts: StoreCounts,
        lost: Callable[[], None] = lambda: None,
    ) -> None:
        self.address = address
        self.breaker: Breaker = "open"
        self._stall_s = stall_s
        self._counts = counts
        self._lost = lost
        self._connection: Connection | None = None
        self._keeper: asyncio.Task[None] | None = None
        self._attempt = asyncio.get_running_loop().create_future()

    @property
    def connected(self) -> bool:
        """Tell whether a connection stands that has answered a PING."""
        return self._connection is not None

    def start(self) -> None:
        """Begin to keep a connection."""
        if self._keeper is None:
            self._keeper = asyncio.create_task(self._keep_connected(), name="braid-redis")

    async def attempted(self, within_s: float = math.inf) -> None:
        """Return when the next attempt to connect has ended, either way, or time is up."""
        # Who waited for a reply hears of the loss before the keeper does.
        if self._connection is None or self._connection.closed.done():
            await asyncio.wait([self._attempt], timeout=None if within_s == math.inf else within_s)

    def send[T](
        self, payload: bytes | bytearray | memoryview, decode: Decode[T], limit_s: float
    ) -> asyncio.Future[T]:
        """Write commands; the future gets what `Connection.send` says.

        Raises:
            StoreUnavailable: at once, while there is no connection or no time.
        """
        if self._connection is None:
            raise StoreUnavailable("store_down")
        if limit_s <= 0:
            raise StoreUnavailable("store_timeout")
        return self._connection.send(payload, decode, limit_s)

    def drop(self) -> None:
        """Leave this connection: the server said that it is not fit. A new one is made."""
        if self._connection is not None:
            self._connection.abort()

    async def close(self) -> None:
        """Stop reconnecting and drop the connection."""
        if self._keeper is not None:
            self._keeper.cancel()
        if self._connection is not None:  # before anything that may itself be cancelled
            self._connection.abort()
            self._connection = None
        self.breaker = "open"
        self._end_attempt()
        if self._keeper is not None:
            await asyncio.gather(self._keeper, return_exceptions=True)

    async def _keep_connected(self) -> None:
        pause_s, stood = RECONNECT_FIRST_S, False
        while True:
            began = monotonic()
            self.breaker = "half_open"
            self._counts.probes += 1
            try:
                self._connection = await reach(
                    self.address, CONNECT_TIMEOUT_S, stall_s=self._stall_s
                )
            except StoreUnavailable:
                self.breaker = "open"
                self._end_attempt()
            else:
                self.breaker = "closed"
                self._counts.reconnects += stood
                stood = True
                self._end_attempt()
                await self._connection.closed
                self._connection = None
                self.breaker = "open"
                self._counts.opens += 1
                self._lost()
                if monotonic() - began > RECONNECT_LONGEST_S:  # it was no false dawn
                    pause_s = RECONNECT_FIRST_S
            # Full jitter: many loops and replicas lost the same server at the same moment.
            await asyncio.sleep(CHANCE.uniform(0, pause_s))
            pause_s = min(2 * pause_s, RECONNECT_LONGEST_S)

    def _end_attempt(self) -> None:
        if not self._attempt.done():
            self._attempt.set_result(None)
        self._attempt = asyncio.get_running_loop().create_future()
