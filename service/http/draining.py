"""A uvicorn server that answers all it has accepted before it goes, the kernel's queue too."""

import asyncio
import socket
from collections.abc import Callable
from functools import partial

import uvicorn

# Long enough for a client in the middle of its requests to be told `Connection: close` and to
# come back elsewhere; short enough for a person who pressed Ctrl-C.
FAREWELL_S = 0.5


class DrainingServer(uvicorn.Server):
    """Drops neither the connections that wait in the queue nor the requests that wait unread.

    Closing a listening socket resets the former, closing a connection the latter, and under
    load there are always some of both. So the queue is emptied first, and connections are given
    time to end by themselves: the endpoints say `Connection: close` while the process drains.
    """

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Stop accepting, serve whoever is in, close."""
        await self._take_in(sockets or [])
        loop = asyncio.get_running_loop()
        farewell = loop.time() + FAREWELL_S
        while self.server_state.connections and loop.time() < farewell:  # noqa: ASYNC110  no event
            await asyncio.sleep(0.01)
        await super().shutdown(sockets)

    async def _take_in(self, sockets: list[socket.socket]) -> None:
        # The duplicates keep the kernel's sockets open while the loop lets go of its own; each
        # is emptied and closed in one step, so that nobody can come in between.
        spares = [listener.dup() for listener in sockets]
        for server in self.servers:
            server.close()
        await asyncio.sleep(0.01)
        accepted: list[socket.socket] = []
        for spare in spares:
            accepted += _emptied(spare)
            spare.close()
        loop = asyncio.get_running_loop()
        make: Callable[..., asyncio.Protocol] = self.config.http_protocol_class
        protocol = partial(
            make,
            config=self.config,
            server_state=self.server_state,
            app_state=self.lifespan.state,
        )
        for connection in accepted:
            await loop.connect_accepted_socket(protocol, connection)


def _emptied(listener: socket.socket) -> list[socket.socket]:
    """Accept all that wait in the queue."""
    accepted: list[socket.socket] = []
    while True:
        try:
            connection, _ = listener.accept()
        except BlockingIOError:
            return accepted
        connection.setblocking(False)
        accepted.append(connection)
