"""N event loops in one process, each a uvicorn server that serves its share of the connections."""

import asyncio
import socket
import sys
import threading
from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass

import uvicorn

from service.access.headers import security_headers
from service.access.tls import Tls
from service.http.acceptor import Acceptor
from service.http.beat import STUCK_S, Beat
from service.http.draining import DrainingServer
from service.http.front import Front
from service.http.limits import Limits
from service.http.problems import NoConnectionFree
from service.http.protocol import DirectProtocol

BACKLOG = 2048
type OpenApp = Callable[[], AbstractAsyncContextManager[Front]]
"""Makes one loop's app with all it needs, inside that loop, and closes it there."""


class _Loop(threading.Thread):
    """One event loop, one uvicorn server, one app."""

    _loop: asyncio.AbstractEventLoop  # these two are there when it is ready, without a fault
    _server: DrainingServer

    def __init__(
        self,
        index: int,
        open_app: OpenApp,
        drain_s: float,
        limits: Limits,
        room: int,
        tls: Tls | None,
    ) -> None:
        super().__init__(name=f"braid-loop-{index}")
        self.ready = threading.Event()
        self.beat = Beat()
        self.fault: BaseException | None = None
        self._open_app = open_app
        self._drain_s = drain_s
        self._limits = limits
        self._room = room
        self._tls = tls
        # Connections on their way here: those sent, counted by the acceptor's thread, less those
        # arrived, counted by this one.
        self._sent = 0
        self._arrived = 0
        self._arriving: set[asyncio.Task[None]] = set()

    def run(self) -> None:
        try:
            with asyncio.Runner(loop_factory=_new_event_loop) as runner:
                runner.run(self._serve())
        except BaseException as fault:  # noqa: BLE001  told to the main thread, which raises it
            self.fault = fault
        finally:
            self.ready.set()

    def load(self) -> int:
        """Return how many connections this loop has, and will have in a moment."""
        return self._sent - self._arrived + len(self._server.server_state.connections)

    def still(self) -> bool:
        """Tell whether it does not turn at present."""
        return self.beat.still()

    def refused(self) -> Counter[str]:
        """Return how many connections were ended, by the reason."""
        return self._server.refused

    def take(self, connection: socket.socket) -> None:
        """Serve this one, too."""
        self._sent += 1
        self._loop.call_soon_threadsafe(self._arrive, connection)

    def stop(self) -> None:
        """Finish what is here, and end."""
        if self.ready.is_set() and self.fault is None:
            self._server.should_exit = True

    def _arrive(self, connection: socket.socket) -> None:
        task = asyncio.ensure_future(self._server.adopt(connection))
        self._arriving.add(task)
        task.add_done_callback(self._have_arrived)

    def _have_arrived(self, task: asyncio.Task[None]) -> None:
        self._arrived += 1
        self._arriving.discard(task)

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
                headers=security_headers(tls=self._tls is not None),
                timeout_graceful_shutdown=int(self._drain_s) or 1,
            )
            config.load()
            self._loop = asyncio.get_running_loop()
            self._server = DrainingServer(config, self._limits, self._room, self._tls)
            self.beat.begin()
            asyncio.get_running_loop().call_later(0, self.ready.set)
            await self._server.serve(sockets=[])


@dataclass(frozen=True, slots=True)
class Census:
    """How many connections there are, and how many were ended."""

    open: int
    refused: Mapping[str, int]


class Server:
    """All loops together, and the thread that accepts for them."""

    def __init__(
        self,
        host: str,
        port: int,
        loops: int,
        open_app: OpenApp,
        drain_s: float,
        limits: Limits,
        tls: Tls | None = None,
    ) -> None:
        listener = _listen(host, port)
        self.host, self.port = host, int(listener.getsockname()[1])
        room = limits.connections // loops
        self._loops = [_Loop(index, open_app, drain_s, limits, room, tls) for index in range(loops)]
        self._acceptor = Acceptor(listener, self._loops, limits.connections)

    def census(self) -> Census:
        """Count the connections that are open, and those that were ended, by the reason."""
        refused = Counter({NoConnectionFree.code: self._acceptor.turned_away})
        for loop in self._loops:
            refused.update(dict(loop.refused()))  # a copy: that loop goes on counting
        return Census(sum(loop.load() for loop in self._loops), refused)

    def stuck(self) -> bool:
        """Tell whether one of the loops does not turn any more."""
        return any(loop.beat.silent_s() > STUCK_S for loop in self._loops)

    def start(self) -> None:
        """Start every loop, then accept connections.

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
        self._acceptor.start()

    def stop(self) -> None:
        """Answer what was accepted, then end every loop; the caller has said it is draining."""
        self._acceptor.stop()
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


def _listen(host: str, port: int) -> socket.socket:
    """Return a listening socket.

    Raises:
        OSError: the address is taken or not ours.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # With proto 0 asyncio does not know it for TCP, leaves Nagle's algorithm on, and every answer
    # waits 40 ms for an acknowledgement.
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind((host, port))
    listener.listen(BACKLOG)
    listener.setblocking(False)
    return listener
