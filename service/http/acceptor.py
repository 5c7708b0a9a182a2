"""One thread that accepts for all event loops: each connection goes to the loop with the fewest."""

import logging
import selectors
import socket
import threading
from collections.abc import Sequence
from typing import Protocol

from service.http.farewells import Farewells

# Out of file descriptors, say: what waits in the kernel's queue may wait a little longer.
PAUSE_S = 0.1

log = logging.getLogger("braid")


class Taker(Protocol):
    """Whoever serves connections."""

    def load(self) -> int:
        """Return how many connections it has."""

    def still(self) -> bool:
        """Tell whether it does not get to serve anybody at present."""

    def take(self, connection: socket.socket) -> None:
        """Serve this one, too; called in the acceptor's thread."""


class Acceptor(threading.Thread):
    """Accepts on ``listener`` until told to stop; whoever has been let in by then is handed over.

    With ``most`` connections open the next is told so, and closed.

    With a socket per loop (SO_REUSEPORT) the kernel spreads connections by a hash of their
    addresses, and the few long ones that a service's clients keep often share one loop while
    others have none: docs/decisions/0011-loops-and-connections.md.
    """

    def __init__(self, listener: socket.socket, takers: Sequence[Taker], most: int) -> None:
        super().__init__(name="braid-acceptor", daemon=True)
        self.turned_away = 0
        self._listener = listener
        self._takers = takers
        self._most = most
        self._farewells = Farewells()
        self._heard, self._said = socket.socketpair()

    def run(self) -> None:
        """Accept until told to stop."""
        farewells, selector = self._farewells, selectors.DefaultSelector()
        with self._listener, self._heard, farewells, selector:
            selector.register(self._listener, selectors.EVENT_READ)
            stop = selector.register(self._heard, selectors.EVENT_READ)
            stopping = False
            while not stopping:
                stopping = stop in [key for key, _ in selector.select(farewells.due_s())]
                farewells.close_old()
                self._empty_queue()

    def stop(self) -> None:
        """Empty the kernel's queue, close the listening socket, end."""
        self._said.close()
        if self.ident is None:
            self._listener.close()
            self._heard.close()
        else:
            self.join()

    def _empty_queue(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except BlockingIOError:
                return
            except ConnectionAbortedError:
                continue
            except OSError as fault:
                log.warning("no connection can be accepted: %s", fault)
                threading.Event().wait(PAUSE_S)
                return
            connection.setblocking(False)
            loads = [taker.load() for taker in self._takers]
            if sum(loads) < self._most:
                at = min(range(len(loads)), key=lambda at: (self._takers[at].still(), loads[at]))
                self._takers[at].take(connection)
            else:
                self.turned_away += 1
                self._farewells.bid(connection)
