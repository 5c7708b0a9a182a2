"""A uvicorn server that others bring connections to, and that lets them end by themselves."""

import asyncio
import contextlib
import socket
from collections.abc import Callable

import uvicorn

# Long enough for a client in the middle of its requests to be told `Connection: close` and to
# come back elsewhere; short enough for a person who pressed Ctrl-C.
FAREWELL_S = 0.5


class DrainingServer(uvicorn.Server):
    """Serves the sockets it is given; when it stops, connections have time to end by themselves.

    Closing a connection at once would lose a request that waits in it unread. The endpoints say
    `Connection: close` while the process drains.
    """

    async def adopt(self, connection: socket.socket) -> None:
        """Serve a connection that was accepted elsewhere."""
        make: Callable[..., asyncio.Protocol] = self.config.http_protocol_class
        with contextlib.suppress(OSError):  # gone again already
            await asyncio.get_running_loop().connect_accepted_socket(
                lambda: make(
                    config=self.config,
                    server_state=self.server_state,
                    app_state=self.lifespan.state,
                ),
                connection,
            )

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Serve whoever is in, close."""
        loop = asyncio.get_running_loop()
        farewell = loop.time() + FAREWELL_S
        while self.server_state.connections and loop.time() < farewell:  # noqa: ASYNC110  no event
            await asyncio.sleep(0.01)
        await super().shutdown(sockets)
