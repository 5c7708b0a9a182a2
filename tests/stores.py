"""The store under test: one Valkey or, for `make test-cluster`, six nodes of a cluster."""

from collections.abc import Callable
from types import TracebackType
from typing import Protocol, Self, cast

from redis import Redis, RedisCluster

from features.client import connect
from service.embedded import EmbeddedValkey


class Store(Protocol):
    """What starts empty, again and again, at one address; running inside a ``with`` block."""

    @property
    def url(self) -> str:
        """Return the address to give to a service or to `redis_of`."""

    def start(self) -> Self: ...

    def stop(self) -> None: ...

    def __enter__(self) -> Self: ...

    def __exit__(
        self,
        kind: type[BaseException] | None,
        fault: BaseException | None,
        trace: TracebackType | None,
    ) -> None: ...


class Choice:
    """What `new_store` makes; `tests.on_cluster` chooses otherwise before any test is collected."""

    make: Callable[[], Store] = EmbeddedValkey


def new_store() -> Store:
    """Return a store that is not running yet. What needs a server of its own names it itself."""
    return Choice.make()


def redis_of(url: str) -> Redis:
    """Return redis-py's client of a store; a cluster's has the same commands.

    Where redis-py asks any one node how many keys there are, or which, this one asks all masters.
    """
    client = connect(url)
    if isinstance(client, RedisCluster):
        for command in ("DBSIZE", "KEYS"):
            client.command_flags[command] = RedisCluster.PRIMARIES
    return cast("Redis", client)


def calls(client: Redis, command: str) -> int:
    """Return how often the store, or all masters of a cluster, have run a command."""
    nodes = [client]
    if isinstance(client, RedisCluster):
        nodes = [client.get_redis_connection(node) for node in client.get_primaries()]
    counts = [node.info("commandstats").get(f"cmdstat_{command}") for node in nodes]
    return sum(int(count["calls"]) for count in counts if count)
