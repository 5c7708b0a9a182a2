"""Connections to one Redis server for threads that may wait, each used by one at a time."""

import logging
import socket
from collections import deque
from contextlib import suppress
from time import monotonic
from typing import Final

from features.address import Address
from features.errors import CommandRefused, StoreUnavailable
from features.resp import Reply, command, parse

REST_S: Final = 1.0
"""After a failure nobody tries again for so long: each try would cost a thread its time."""
CHUNK: Final = 1 << 16

log = logging.getLogger("braid")

type Open = tuple[socket.socket, bytearray]


class Line:
    """Asks a server, over connections that are kept for whoever asks next.

    A connection on which anything went wrong, or whose thread was interrupted, is never used
    again: its next reply might be another's. After a failure the server is left alone for a second.
    """

    def __init__(self, address: Address, timeout_s: float) -> None:
        self._address, self._timeout_s = address, timeout_s
        self._idle = deque[Open]()
        self._resting_until = 0.0

    def ask(self, payload: bytes) -> Reply:
        """Send one command and return its reply.

        Raises:
            CommandRefused: the server said no; StoreUnavailable: there was no answer in time.
        """
        if monotonic() < self._resting_until:
            raise StoreUnavailable("store_down", f"{self._address!r} failed a moment ago")
        try:
            held = self._held()
            try:
                reply = self._exchange(held, payload)
            except BaseException:  # whatever it was, even an interruption
                held[0].close()
                raise
        except (OSError, ValueError) as fault:  # a TimeoutError is one
            self._resting_until = monotonic() + REST_S
            log.warning("the engine at %r does not answer: %r", self._address, fault)
            raise StoreUnavailable("store_down", f"{self._address!r}: {fault!r}") from fault
        self._idle.append(held)
        if isinstance(reply, CommandRefused):
            raise reply
        return reply

    def close(self) -> None:
        """Close the connections that nobody uses."""
        while self._idle:
            self._idle.pop()[0].close()

    def _held(self) -> Open:
        with suppress(IndexError):
            return self._idle.pop()
        address = self._address
        if address.path is not None:
            line = socket.socket(socket.AF_UNIX)
            line.settimeout(self._timeout_s)
            line.connect(address.path)
        else:
            line = socket.create_connection((address.host, address.port), self._timeout_s)
            line.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        try:
            if address.context is not None:
                line = address.context.wrap_socket(line, server_hostname=address.host)
            held = line, bytearray()
            for words in address.greeting:
                said = self._exchange(held, command(*words))
                if isinstance(said, CommandRefused):
                    raise said
        except BaseException:
            line.close()
            raise
        return held

    def _exchange(self, held: Open, payload: bytes) -> Reply:
        line, buffer = held
        until = monotonic() + self._timeout_s
        line.settimeout(self._timeout_s)
        line.sendall(payload)
        while (parsed := parse(buffer, 0, len(buffer))) is None:
            line.settimeout(max(until - monotonic(), 1e-4))
            chunk = line.recv(CHUNK)
            if not chunk:
                raise ConnectionResetError("the server closed the connection")
            buffer += chunk
        reply, end = parsed
        del buffer[:end]
        return reply
