"""One pipelined connection to Redis for one event loop."""

import asyncio
import math
from collections.abc import Callable
from typing import cast

from features.errors import CommandRefused, StoreUnavailable
from features.pending import Decode, Pending
from features.resp import Reply, is_push, parse_push

type Hear = Callable[[list[Reply]], None]
"""Takes a message that the server sent of its own accord; a ValueError ends the connection."""

FIRST_BUFFER_BYTES = 256 * 1024
SMALLEST_READ_BYTES = 64 * 1024
LARGEST_REPLY_BYTES = 64 * 1024 * 1024


class Connection(asyncio.BufferedProtocol):
    """Sends commands back to back and hands each reply to whoever asked, strictly in order.

    A request that gave up leaves its place in the queue behind, so its reply is read and thrown
    away and nobody else's can be taken for it. Bytes that are no RESP, or a reply that nobody
    waits for, end the connection: it is never used again. So does a push where none is expected,
    and a server that says that it is unfit.
    """

    def __init__(self, hear: Hear | None = None, stall_s: float = math.inf) -> None:
        self._hear = hear
        self.closed = asyncio.get_running_loop().create_future()
        self._pending = Pending(stall_s, self.abort)
        self._transport: asyncio.Transport | None = None
        self._buffer = bytearray(FIRST_BUFFER_BYTES)
        self._view = memoryview(self._buffer)
        self._begin = self._end = 0

    def send[T](
        self, payload: bytes | bytearray | memoryview, decode: Decode[T], limit_s: float = math.inf
    ) -> asyncio.Future[T]:
        """Write one command.

        The future gets its decoded reply, or after ``limit_s`` at the latest a StoreUnavailable.
        """
        if self._transport is None or self._transport.is_closing():
            answer: asyncio.Future[T] = asyncio.get_running_loop().create_future()
            answer.set_exception(StoreUnavailable("store_down"))
            return answer
        self._transport.write(payload)
        return self._pending.add(decode, limit_s)

    def abort(self) -> None:
        """Drop the connection now; whoever still waits gets a StoreUnavailable."""
        if self._transport is not None:
            self._transport.abort()

    # What the event loop calls.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:  # noqa: D102  asyncio's
        self._transport = cast("asyncio.Transport", transport)  # TCP, TLS and Unix all are

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: D102  asyncio's
        self._pending.fail(str(exc or ""))
        if not self.closed.done():
            self.closed.set_result(None)
        # It and its transport refer to each other, and a collection may be minutes away: through an
        # outage that would be a quarter of a megabyte for each attempt to connect.
        self._buffer = bytearray()
        self._view = memoryview(self._buffer)
        self._begin = self._end = 0

    def get_buffer(self, sizehint: int) -> memoryview:  # noqa: ARG002, D102  asyncio's
        if self._begin == self._end:
            self._begin = self._end = 0
        if len(self._buffer) - self._end < SMALLEST_READ_BYTES:
            self._make_room()
        return self._view[self._end :]

    def buffer_updated(self, nbytes: int) -> None:  # noqa: D102  asyncio's
        if self._transport is None or self._transport.is_closing():
            return  # aborted: what still comes in has lost its place in the queue
        self._end += nbytes
        try:
            self._deliver()
        except ValueError, IndexError:  # an IndexError: a reply that nobody waits for
            self.abort()

    def eof_received(self) -> bool:  # noqa: D102  asyncio's
        return False

    def _deliver(self) -> None:
        while self._begin < self._end:
            if self._hear is not None and is_push(self._buffer, self._begin):
                parsed = parse_push(self._buffer, self._begin, self._end)
                if parsed is None:
                    return
                push, self._begin = parsed
                self._hear(push)
                continue
            waiting = self._pending.next()
            decoded = waiting.decode(self._buffer, self._begin, self._end)
            if decoded is None:
                if self._end - self._begin > LARGEST_REPLY_BYTES:
                    raise ValueError("a reply larger than any to a command of ours")
                return
            value, self._begin = decoded
            self._pending.pop()
            if isinstance(value, CommandRefused) and value.unfit:
                self.abort()  # a new one may find the server that took its place
            if waiting.answer.done():
                continue
            if isinstance(value, CommandRefused):
                waiting.answer.set_exception(value)
            else:
                waiting.answer.set_result(value)

    def _make_room(self) -> None:
        """Move the unread bytes to the front of a buffer with space behind them."""
        unread = self._end - self._begin
        size = len(self._buffer) if unread < len(self._buffer) // 2 else 2 * len(self._buffer)
        fresh = bytearray(size)
        fresh[:unread] = self._buffer[self._begin : self._end]
        self._buffer, self._view = fresh, memoryview(fresh)
        self._begin, self._end = 0, unread
