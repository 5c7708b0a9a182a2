"""One direction of one connection: what comes in goes out, late, in slices, or only in part."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from random import Random
from time import monotonic

from tests.faults.toxics import Toxics

READ_BYTES = 64 * 1024
IN_FLIGHT = 256
"""Packets that are under way at the same time, when there is latency."""

type Read = Callable[[], Toxics]
type Change = Callable[[], Awaitable[object]]


class Pump:
    """Counts the bytes that went through; ``cut`` is what broke the connection, if a toxic did."""

    def __init__(
        self,
        source: asyncio.StreamReader,
        target: asyncio.StreamWriter,
        toxics: Read,
        changed: Change,
        random: Random,
    ) -> None:
        self.bytes = 0
        self.held = False
        self.cut: Toxics | None = None
        self._source, self._target = source, target
        self._toxics, self._changed, self._random = toxics, changed, random
        self._queue = asyncio.Queue[tuple[float, bytes]](IN_FLIGHT)
        self._counted_for = toxics()
        self._counted_from = 0

    async def run(self) -> None:
        """Pass bytes until the source ends, the target is gone, or a toxic breaks it."""
        reading = asyncio.create_task(self._read())
        try:
            with contextlib.suppress(OSError):
                await self._write()
        finally:
            reading.cancel()

    async def _read(self) -> None:
        packet = b"first"
        while packet:
            try:
                packet = await self._source.read(READ_BYTES)
            except OSError:
                packet = b""
            await self._queue.put((monotonic() + self._toxics().delay_s(self._random), packet))

    async def _write(self) -> None:
        while self.cut is None:
            due, packet = await self._queue.get()
            if not packet:
                return
            await asyncio.sleep(due - monotonic())
            await self._wait_out_silence()
            while packet and self.cut is None:
                size = self._toxics().average_size or len(packet)
                piece, packet = packet[:size], packet[size:]
                await self._send(piece)

    async def _send(self, piece: bytes) -> None:
        toxics = self._toxics()
        if toxics is not self._counted_for:
            self._counted_for, self._counted_from = toxics, self.bytes
        left = toxics.left(self.bytes - self._counted_from)
        if left is not None and left < len(piece):
            self.cut, piece = toxics, piece[:left]
        self._target.write(piece)
        await self._target.drain()
        self.bytes += len(piece)
        await asyncio.sleep(toxics.pause_s(len(piece)))  # the others' turn, if it is 0

    async def _wait_out_silence(self) -> None:
        while self.cut is None and (timeout := (toxics := self._toxics()).timeout) is not None:
            self.held = True
            try:
                async with asyncio.timeout(timeout / 1e3 or None):
                    await self._changed()
            except TimeoutError:
                self.cut = toxics
        self.held = False
