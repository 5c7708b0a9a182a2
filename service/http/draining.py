"""A uvicorn server that others bring connections to, and that lets them end by themselves."""

import asyncio
import contextlib
import socket
from collections import Counter
from collections.abc import Callable
from itertools import batched
from typing import cast

import uvicorn

from service.access.tls import HANDSHAKE_S, Tls
from service.http.bounded import BoundedProtocol
from service.http.limits import CROWDED, CROWDED_IDLE_S, Limits

# Long enough for a client in the middle of its requests to be told `Connection: close` and to
# come back elsewhere; short enough for a person who pressed Ctrl-C.
FAREWELL_S = 0.5

# uvicorn ticks ten times a second; a tenth of the connections each time, and of many never more
# than these in one go, keep nobody waiting.
TICKS = 10
AT_ONCE = 64
BREATHER_S = 0.002


class DrainingServer(uvicorn.Server):
    """Serves the sockets it is given; when it stops, connections have time to end by themselves.

    Closing a connection at once would lose a request that waits in it unread. The endpoints say
    `Connection: close` while the process drains. Until then each connection is looked at once a
    second, whether it takes too long; ``refused`` counts the reasons why any was ended.
    """

    def __init__(
        self, config: uvicorn.Config, limits: Limits, room: int, tls: Tls | None = None
    ) -> None:
        """Serve; ``room`` is this server's share of the connections there may be."""
        super().__init__(config)
        self.refused: Counter[str] = Counter()
        self._limits = limits
        self._room = room
        self._tls = tls
        self._round: list[BoundedProtocol] = []

    async def adopt(self, connection: socket.socket) -> None:
        """Serve a connection that was accepted elsewhere."""
        make: Callable[..., asyncio.Protocol] = self.config.http_protocol_class
        tls = self._tls
        with contextlib.suppress(OSError):  # gone again already
            await asyncio.get_running_loop().connect_accepted_socket(
                lambda: make(
                    config=self.config,
                    server_state=self.server_state,
                    app_state=self.lifespan.state,
                    limits=self._limits,
                    refused=self.refused,
                ),
                connection,
                ssl=None if tls is None else tls.context,
                ssl_handshake_timeout=None if tls is None else HANDSHAKE_S,
            )

    async def on_tick(self, counter: int) -> bool:
        """Look at the connections whose turn it is."""
        turn = counter % TICKS
        connections = self.server_state.connections
        if turn == 0:
            self._round = cast("list[BoundedProtocol]", list(connections))
        crowded = len(connections) > CROWDED * self._room
        idle_s = CROWDED_IDLE_S if crowded else self._limits.idle_s
        now_s = asyncio.get_running_loop().time()
        for together in batched(self._round[turn::TICKS], AT_ONCE, strict=False):
            for connection in together:
                connection.sweep(now_s, idle_s)
            if len(together) == AT_ONCE:
                await asyncio.sleep(BREATHER_S)
        return await super().on_tick(counter)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Serve whoever is in, close."""
        self._round = []
        loop = asyncio.get_running_loop()
        farewell = loop.time() + FAREWELL_S
        while self.server_state.connections and loop.time() < farewell:  # noqa: ASYNC110  no event
            await asyncio.sleep(0.01)
        await super().shutdown(sockets)
