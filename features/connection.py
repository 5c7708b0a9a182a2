"""One pipelined connection to Redis for one event loop."""

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Any, cast

from features.errors import CommandRefused, StoreUnavailable
from features.resp import Reply, is_push, parse_push

type Decode[T] = Callable[[bytearray, int, int], tuple[T | CommandRefused, int] | None]
"""Reads one reply from ``buffer[start:stop]``: (value, end), or None while it is incomplete."""

type Hear = Callable[[list[Reply]], None]
"""Takes a message that the server sent of its own accord; a ValueError ends the connection."""

FIRST_BUFFER_BYTES = 256 * 1024
SMALLEST_READ_BYTES = 64 * 1024
LARGEST_REPLY_BYTES = 64 * 1024 * 1024


class Connection(asyncio.BufferedProtocol):
    """Sends commands back to back and hands each reply to whoever asked, strictly in order.

    A request that gave up leaves its place in the queue behind, so its reply is read and thrown
    away and nobody else's can be taken for it. Bytes that are no RESP, or a reply that nobody
    waits for, end the connection: it is never used again. So does a push where none is expected.
    """

    def __init__(self, hear: Hear | None = None) -> None:
        self._hear = hear
        self.closed = asyncio.get_running_loop().create_future()
        self._waiting: deque[tuple[Decode[Any], asyncio.Future[Any], float]] = deque()
        self._transport: asyncio.Transport | None = None
        self._buffer = bytearray(FIRST_BUFFER_BYTES)
        self._view = memoryview(self._buffer)
        self._begin = self._end = 0

    def send[T](self, payload: bytes | memoryview, decode: Decode[T]) -> asyncio.Future[T]:
        """Write one command; the future gets its decoded reply or a StoreUnavailable."""
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[T] = loop.create_future()
        if self._transport is None or self._transport.is_closing():
            answer.set_exception(StoreUnavailable("store_down"))
            return answer
        self._transport.write(payload)
        self._waiting.append((decode, answer, loop.time()))
        return answer

    def stalled_for(self) -> float:
        """Return for how many seconds the oldest command has waited, 0 when none does."""
        if not self._waiting:
            return 0.0
        return asyncio.get_running_loop().time() - self._waiting[0][2]

    def abort(self) -> None:
        """Drop the connection now; whoever still waits gets a StoreUnavailable."""
        if self._transport is not None:
            self._transport.abort()

    # What the event loop calls.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:  # noqa: D102  asyncio's
        self._transport = cast("asyncio.Transport", transport)  # TCP, TLS and Unix all are

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: D102  asyncio's
        while self._waiting:
            _, answer, _ = self._waiting.popleft()
            if not answer.done():
                answer.set_exception(StoreUnavailable("store_down", str(exc or "")))
        if not self.closed.done():
            self.closed.set_result(None)

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
            decode, answer, _ = self._waiting[0]
            decoded = decode(self._buffer, self._begin, self._end)
            if decoded is None:
                if self._end - self._begin > LARGEST_REPLY_BYTES:
                    raise ValueError("a reply larger than any to a command of ours")
                return
            value, self._begin = decoded
            self._waiting.popleft()
            if answer.done():
                continue
            if isinstance(value, CommandRefused):
                answer.set_exception(value)
            else:
                answer.set_result(value)

    def _make_room(self) -> None:
        """Move the unread bytes to the front of a buffer with space behind them."""
        unread = self._end - self._begin
        size = len(self._buffer) if unread < len(self._buffer) // 2 else 2 * len(self._buffer)
        fresh = bytearray(size)
        fresh[:unread] = self._buffer[self._begin : self._end]
        self._buffer, self._view = fresh, memoryview(fresh)
        self._begin, self._end = 0, unread
