"""Where the feature store is: a Redis URL taken apart."""

import asyncio
import math
import ssl
from dataclasses import dataclass
from functools import partial
from typing import Any, Self

from redis.asyncio.connection import parse_url

from features.connection import Connection, Hear
from features.errors import StoreUnavailable
from features.resp import Replies, command


@dataclass(frozen=True, slots=True)
class Address:
    """A ``redis://``, ``rediss://`` or ``unix://`` URL; the password never shows in a repr."""

    url: str
    host: str
    port: int
    path: str | None
    tls: bool
    greeting: tuple[tuple[str, ...], ...]

    @classmethod
    def parse(cls, url: str) -> Self:
        """Take a URL apart.

        Raises:
            ValueError: not a Redis URL.
        """
        parts: dict[str, Any] = dict(parse_url(url))
        greeting: list[tuple[str, ...]] = []
        if password := parts.get("password"):
            username = parts.get("username")
            greeting.append(("AUTH", username, password) if username else ("AUTH", password))
        if database := parts.get("db"):
            greeting.append(("SELECT", str(database)))
        return cls(
            url=url,
            host=str(parts.get("host", "localhost")),
            port=int(parts.get("port", 6379)),
            path=parts.get("path"),
            tls=url.startswith("rediss://"),
            greeting=(*greeting, ("PING",)),
        )

    def __repr__(self) -> str:
        return self.path or f"{self.host}:{self.port}"

    async def connect(
        self, timeout_s: float, hear: Hear | None = None, stall_s: float = math.inf
    ) -> Connection:
        """Open a connection that has authenticated and answered a PING.

        ``hear`` gets its pushes; it breaks when a command has waited for ``stall_s``.

        A stopped server still completes TCP handshakes (its kernel does), so only an answered
        PING counts as connected.

        Raises:
            StoreUnavailable: refused, unreachable, or no answer within ``timeout_s``.
        """
        connection: Connection | None = None
        try:
            async with asyncio.timeout(timeout_s):
                connection = await self._open(hear, stall_s)
                greeting = b"".join(command(*words) for words in self.greeting)
                await connection.send(greeting, Replies(len(self.greeting)))
                return connection
        except BaseException as fault:
            if connection is not None:
                connection.abort()
            # TimeoutError is an OSError; a host that cannot be a name is a ValueError.
            if isinstance(fault, OSError | ValueError):
                raise StoreUnavailable("store_down", f"{self!r}: {fault!r}") from fault
            raise

    async def _open(self, hear: Hear | None, stall_s: float) -> Connection:
        loop = asyncio.get_running_loop()
        make = partial(Connection, hear, stall_s)
        if self.path is not None:
            _, connection = await loop.create_unix_connection(make, self.path)
            return connection
        context = ssl.create_default_context() if self.tls else None
        _, connection = await loop.create_connection(make, self.host, self.port, ssl=context)
        return connection
