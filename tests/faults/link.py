"""One connection through the proxy: two ends, and a pump each way."""

import asyncio
import socket
import struct
from random import Random

from tests.faults.pump import Change, Pump, Read

RESET_ON_CLOSE = struct.pack("ii", 1, 0)
"""C's struct linger: on, for no time."""

type End = tuple[asyncio.StreamReader, asyncio.StreamWriter]


class Link:
    """``up`` passes what the client asks, ``down`` what the server answers."""

    def __init__(
        self,
        client: End,
        server: End,
        upstream: Read,
        downstream: Read,
        changed: Change,
        random: Random,
    ) -> None:
        self.up = Pump(client[0], server[1], upstream, changed, random)
        self.down = Pump(server[0], client[1], downstream, changed, random)
        self._writers = client[1], server[1]

    async def run(self) -> None:
        """Pass bytes until one end is done or a toxic breaks the connection."""
        pumps = [asyncio.create_task(pump.run()) for pump in (self.up, self.down)]
        try:
            await asyncio.wait(pumps, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for pump in pumps:
                pump.cancel()
            await asyncio.gather(*pumps, return_exceptions=True)
            cut = self.up.cut or self.down.cut
            if cut is not None and cut.reset_peer is not None:
                self.reset()
            for writer in self._writers:
                writer.close()

    def reset(self) -> None:
        """End both ends with an RST where they are TCP; a Unix socket only ends."""
        for writer in self._writers:
            end = writer.get_extra_info("socket")
            if end.family != socket.AF_UNIX and end.fileno() >= 0:
                end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET_ON_CLOSE)
            writer.transport.abort()
