"""redis-py's client of whatever a URL leads to, for threads that may wait."""

import threading
from collections.abc import Sequence
from typing import Any, Final, Self

import redis
from redis.asyncio.connection import parse_url
from redis.backoff import NoBackoff
from redis.exceptions import RedisClusterException
from redis.retry import Retry
from redis.sentinel import Sentinel, SentinelConnectionPool

from features.address import Address

type Client = redis.Redis | redis.RedisCluster

STORE_FAULTS: Final = (redis.RedisError, RedisClusterException, OSError)
"""What such a client raises where the store refuses or is gone.

Of a cluster without a node that answers it raises what is no `redis.RedisError`.
"""

HELD_BY_US = ("host", "port", "db", "username", "password", "connection_class")


def connect(url: str, timeout_s: float | None = None) -> Client:
    """Return a client of a server, of a cluster, or of the master that sentinels name.

    Nothing is asked yet, but of a cluster, whose nodes are. With ``timeout_s`` a server that does
    not answer for so long is an error, and nothing is tried again: whoever calls knows better when.

    Raises:
        ValueError: not a Redis URL; RedisClusterException: no node of a cluster answers.
    """
    address = Address.parse(url)
    options: dict[str, Any] = {}
    if timeout_s is not None:
        options = {
            "socket_timeout": timeout_s,
            "socket_connect_timeout": timeout_s,
            "retry": Retry(NoBackoff(), 0),
        }
    if address.kind == "cluster":
        nodes = [redis.cluster.ClusterNode(*seed) for seed in address.seeds[1:]]  # type: ignore[no-untyped-call]  # redis-py's
        return redis.RedisCluster.from_url(address.plain, startup_nodes=nodes, **options)
    if address.kind == "sentinel":
        return _master(address, options)
    return redis.Redis.from_url(url, **options)


class _Master(redis.Redis):
    """Closes its connections to the sentinels, too."""

    def close(self) -> None:
        super().close()
        pool = self.connection_pool
        if isinstance(pool, SentinelConnectionPool):
            for sentinel in pool.sentinel_manager.sentinels:
                sentinel.close()


def _master(address: Address, options: dict[str, Any]) -> redis.Redis:
    """Return a client that asks the sentinels each time it has to connect."""
    parts: dict[str, Any] = dict(parse_url(address.plain))
    login = {name: parts[name] for name in ("username", "password", "db") if name in parts}
    own = {name: parts.pop(f"sentinel_{name}", None) for name in ("username", "password")}
    shared = {name: value for name, value in parts.items() if name not in HELD_BY_US}
    shared |= {"ssl": address.tls, **options}
    sentinel = Sentinel(list(address.seeds), sentinel_kwargs=shared | own, **shared, **login)  # type: ignore[no-untyped-call]  # redis-py's
    master: redis.Redis = sentinel.master_for(address.service, redis_class=_Master)  # type: ignore[no-untyped-call]  # redis-py's
    return master


def by_node(client: Client, names: Sequence[str]) -> list[tuple[redis.Redis, list[int]]]:
    """Return a plain client of each node that serves keys, with their places in ``names``.

    Such a client follows no redirect. A server that is no cluster's serves all.
    """
    if isinstance(client, redis.Redis):
        return [(client, list(range(len(names))))]
    found = dict[str, tuple[redis.Redis, list[int]]]()
    for place, name in enumerate(names):
        node = client.get_node_from_key(name)  # type: ignore[no-untyped-call]  # redis-py's
        if node is None:
            raise redis.RedisError(f"no node of the cluster serves {name}")
        if node.name not in found:
            found[node.name] = client.get_redis_connection(node), []
        found[node.name][1].append(place)
    return list(found.values())


class Deferred:
    """A client that is made when it is first asked for, and again after `close`.

    A cluster's asks its nodes who they are, and a store need not be there when a service starts.
    """

    def __init__(self, url: str, timeout_s: float) -> None:
        self._url, self._timeout_s = url, timeout_s
        self._client: Client | None = None
        self._making = threading.Lock()

    @classmethod
    def of(cls, client: Client) -> Self:
        """Return one that has a client already."""
        made = cls("", 0.0)
        made._client = client
        return made

    def __call__(self) -> Client:
        """Return the client.

        Raises:
            RedisClusterException: no node of a cluster answers.
        """
        with self._making:
            if self._client is None:
                self._client = connect(self._url, self._timeout_s)
            return self._client

    def close(self) -> None:
        """Drop the connections."""
        with self._making:
            client, self._client = self._client, None
        if client is not None:
            client.close()
