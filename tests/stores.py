"""The store under test: one Valkey or, for `make test-cluster`, six nodes of a cluster."""

from collections.abc import Callable
from types import TracebackType
from typing import Protocol, Self, cast

from redis import Redis

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
    """Return redis-py's client of a store; a cluster's has the same commands."""
    return cast("Redis", connect(url))
