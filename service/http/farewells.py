"""Connections that find no room are told so, and closed a moment later."""

import contextlib
import socket
import time
from collections import deque
from types import TracebackType
from typing import Final, Self

from service.http.problems import NoConnectionFree
from service.http.refusal import refusal

# A client has sent its request by now, and reads. Closing at once, with that unread, would make the
# kernel take the answer back.
WAIT_S: Final = 0.5
MOST: Final = 64


class Farewells:
    """At most so many wait; beyond that the oldest goes at once."""

    def __init__(self) -> None:
        self._waiting = deque[tuple[float, socket.socket]]()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, _: type[BaseException] | None, __: BaseException | None, ___: TracebackType | None
    ) -> None:
        while self._waiting:
            self._waiting.popleft()[1].close()

    def bid(self, connection: socket.socket) -> None:
        """Answer before anything is asked, and have it closed later."""
        with contextlib.suppress(OSError):  # gone again already
            connection.send(refusal(NoConnectionFree("try again, or elsewhere")))
            connection.shutdown(socket.SHUT_WR)
        if len(self._waiting) >= MOST:
            self._waiting.popleft()[1].close()
        self._waiting.append((time.monotonic() + WAIT_S, connection))

    def due_s(self) -> float | None:
        """Return in how many seconds there is one to close; None where nobody waits."""
        return max(0.0, self._waiting[0][0] - time.monotonic()) if self._waiting else None

    def close_old(self) -> None:
        """Close those whose time has come."""
        now_s = time.monotonic()
        while self._waiting and self._waiting[0][0] <= now_s:
            _, connection = self._waiting.popleft()
            with contextlib.suppress(OSError):
                connection.recv(65536)  # so that closing resets nothing
            connection.close()
