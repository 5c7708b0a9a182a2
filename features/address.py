"""Where the feature store is: a Redis URL taken apart."""

import asyncio
import math
import ssl
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, Literal, Self

from redis.asyncio.connection import parse_url

from features.connection import Connection, Hear
from features.errors import StoreUnavailable
from features.resp import Replies, command
from features.tls import tls_context

type Kind = Literal["server", "cluster", "sentinel"]

KINDS: dict[str, Kind] = {"": "server", "cluster": "cluster", "sentinel": "sentinel"}
SENTINEL_PORT = 26379


@dataclass(frozen=True, slots=True)
class Address:
    """A server, a cluster, or sentinels that know one; the password never shows in a repr.

        redis://, rediss://, unix://                   one server
        redis+cluster://host:port,host:port            some of a cluster's nodes
        redis+sentinel://host:port,host:port/service   sentinels, and what they call the service

    ``rediss`` in place of ``redis`` is TLS. ``seeds`` are the hosts and ports of the URL,
    ``service`` is the sentinels' name, and ``plain`` the URL as it would be for the first of the
    seeds alone; `docs/redis.md` tells all options.
    """

    url: str
    host: str
    port: int
    path: str | None
    greeting: tuple[tuple[str, ...], ...]
    context: ssl.SSLContext | None = field(default=None, compare=False)
    kind: Kind = "server"
    seeds: tuple[tuple[str, int], ...] = ()
    service: str = ""
    plain: str = ""
    sentinel_greeting: tuple[tuple[str, ...], ...] = (("PING",),)

    @classmethod
    def parse(cls, url: str) -> Self:
        """Take a URL apart.

        Raises:
            ValueError: not a Redis URL; the message says what to change.
        """
        scheme, kind, rest = _kind_of(url)
        if kind == "server":
            parts: dict[str, Any] = dict(parse_url(url))
            return cls._of(url, url, kind, parts, ((_host(parts), _port(parts)),), "")
        place, _, query = rest.partition("?")
        location, _, path = place.partition("/")
        user, at, hosts = location.rpartition("@")
        service, _, database = path.partition("/") if kind == "sentinel" else ("", "", path)
        if kind == "cluster" and database.strip("/") not in ("", "0"):
            raise ValueError("a cluster has database 0 only: leave out what follows the hosts")
        if kind == "sentinel" and not service:
            raise ValueError(
                "redis+sentinel:// needs the service's name: redis+sentinel://host:port/service"
            )
        default = SENTINEL_PORT if kind == "sentinel" else 6379
        every: list[dict[str, Any]] = [
            dict(parse_url(f"redis://{host}")) for host in hosts.split(",") if host
        ]
        if not every:
            raise ValueError(f"redis+{kind}:// needs a host: redis+{kind}://host:port,host:port")
        seeds = tuple((_host(one), int(one.get("port", default))) for one in every)
        first = f"[{seeds[0][0]}]" if ":" in seeds[0][0] else seeds[0][0]
        plain = f"{scheme}://{user}{at}{first}:{seeds[0][1]}/{database}?{query}"
        return cls._of(url, plain, kind, dict(parse_url(plain)), seeds, service)

    @classmethod
    def _of(
        cls,
        url: str,
        plain: str,
        kind: Kind,
        parts: dict[str, Any],
        seeds: tuple[tuple[str, int], ...],
        service: str,
    ) -> Self:
        login = _login(parts.get("username"), parts.get("password"))
        database = parts.get("db")
        choose = (("SELECT", str(database)),) if database else ()
        sentinels = _login(parts.get("sentinel_username"), parts.get("sentinel_password"))
        return cls(
            url=url,
            host=seeds[0][0],
            port=seeds[0][1],
            path=parts.get("path"),
            greeting=(*login, *choose, ("PING",)),
            context=tls_context(parts) if url.startswith("rediss") else None,
            kind=kind,
            seeds=seeds,
            service=service,
            plain=plain,
            sentinel_greeting=(*sentinels, ("PING",)),
        )

    @property
    def tls(self) -> bool:
        """Tell whether connections are encrypted."""
        return self.context is not None

    def at(self, host: str, port: int) -> Address:
        """Return another server's address, to which the same credentials and options belong."""
        return replace(self, host=host, port=port, path=None, kind="server", seeds=((host, port),))

    def sentinels(self) -> list[Address]:
        """Return the sentinels' own addresses."""
        return [replace(self.at(*seed), greeting=self.sentinel_greeting) for seed in self.seeds]

    def __repr__(self) -> str:
        if self.path is not None:
            return self.path
        hosts = ",".join(f"{host}:{port}" for host, port in self.seeds)
        return hosts if self.kind == "server" else f"{self.kind} {hosts}"

    async def connect(
        self, timeout_s: float, hear: Hear | None = None, stall_s: float = math.inf
    ) -> Connection:
        """Open a connection to this server that has authenticated and answered a PING.

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
        _, connection = await loop.create_connection(make, self.host, self.port, ssl=self.context)
        return connection


def _kind_of(url: str) -> tuple[str, Kind, str]:
    """Return ``redis`` or ``rediss``, what the URL leads to, and what follows the scheme."""
    scheme, _, rest = url.partition("://")
    name, _, kind = scheme.partition("+")
    if kind in KINDS and (not kind or name in ("redis", "rediss")):
        return name, KINDS[kind], rest
    raise ValueError(
        f"{scheme}:// is no Redis URL: redis://, rediss://, unix://, redis+cluster:// and "
        "redis+sentinel:// are (rediss for TLS)"
    )


def _host(parts: dict[str, Any]) -> str:
    return str(parts.get("host", "localhost"))


def _port(parts: dict[str, Any]) -> int:
    return int(parts.get("port", 6379))


def _login(username: str | None, password: str | None) -> tuple[tuple[str, ...], ...]:
    if not password:
        return ()
    return (("AUTH", username, password) if username else ("AUTH", password),)
