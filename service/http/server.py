"""N event loops in one process, each a uvicorn server with its own socket on the same port."""

import asyncio
import socket
import sys
import threading
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager

import uvicorn

from service.http.draining import DrainingServer
from service.http.front import Front
from service.http.protocol import DirectProtocol

BACKLOG = 2048
type OpenApp = Callable[[], AbstractAsyncContextManager[Front]]
"""Makes one loop's app with all it needs, inside that loop, and closes it there."""


class _Loop(threading.Thread):
    """One event loop, one uvicorn server, one app."""

    def __init__(
        self, index: int, listener: socket.socket, open_app: OpenApp, drain_s: float
    ) -> None:
        super().__init__(name=f"braid-loop-{index}")
        self.ready = threading.Event()
        self.fault: BaseException | None = None
        self._listener = listener
        self._open_app = open_app
        self._drain_s = drain_s
        self._server: DrainingServer | None = None

    def run(self) -> None:
        try:
            with asyncio.Runner(loop_factory=_new_event_loop) as runner:
                runner.run(self._serve())
        except BaseException as fault:  # noqa: BLE001  told to the main thread, which raises it
            self.fault = fault
        finally:
            self.ready.set()
            self._listener.close()

    def stop(self) -> None:
        """Stop accepting; the server finishes what it has accepted."""
        if self._server is not None:
            self._server.should_exit = True

    async def _serve(self) -> None:
        async with self._open_app() as app:
            config = uvicorn.Config(
                app,
                http=DirectProtocol,
                ws="none",
                lifespan="off",
                interface="asgi3",
                proxy_headers=False,  # nothing here asks who the client says it is
                log_config=None,
                access_log=False,
                server_header=False,
                timeout_graceful_shutdown=int(self._drain_s) or 1,
            )
            self._server = DrainingServer(config)
            self.ready.set()
            await self._server.serve(sockets=[self._listener])


class Server:
    """All loops together."""

    def __init__(self, host: str, port: int, loops: int, open_app: OpenApp, drain_s: float) -> None:
        listeners = _listen(host, port, loops)
        self.host, self.port = host, int(listeners[0].getsockname()[1])
        self._loops = [
            _Loop(index, listener, open_app, drain_s) for index, listener in enumerate(listeners)
        ]

    def start(self) -> None:
        """Start every loop; return when all accept connections.

        Raises:
            BaseException: what kept a loop from starting.
        """
        for loop in self._loops:
            loop.start()
        for loop in self._loops:
            loop.ready.wait()
        for loop in self._loops:
            if loop.fault is not None:
                self.stop()
                raise loop.fault

    def stop(self) -> None:
        """Answer what was accepted, then end every loop; the caller has said it is draining."""
        for loop in self._loops:
            loop.stop()
        for loop in self._loops:
            if loop.ident is not None:
                loop.join()


def _new_event_loop() -> asyncio.AbstractEventLoop:
    if sys.platform == "win32":
        return asyncio.new_event_loop()
    import uvloop

    loop: asyncio.AbstractEventLoop = uvloop.new_event_loop()
    return loop


def _listen(host: str, port: int, count: int) -> list[socket.socket]:
    """Return sockets on one address, which the kernel spreads new connections over.

    Raises:
        OSError: the address is taken or not ours.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listeners: list[socket.socket] = []
    for _ in range(count):
        # With proto 0 asyncio does not know it for TCP, leaves Nagle's algorithm on, and every
        # answer waits 40 ms for an acknowledgement.
        listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if count > 1:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        listener.bind((host, port))
        port = listener.getsockname()[1]
        listener.listen(BACKLOG)
        listener.setblocking(False)
        listeners.append(listener)
    return listeners
