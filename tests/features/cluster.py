"""A Redis Cluster of real servers on loopback: masters, replicas, and what befalls them."""

import os
import random
import signal
import socket
from collections.abc import Callable, Iterable
from contextlib import ExitStack
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Self

from redis import Redis, RedisCluster, RedisError
from redis.backoff import NoBackoff
from redis.retry import Retry

from features.topology import tracked_masters
from service.embedded import EmbeddedValkey
from service.errors import EmbeddedUnavailable
from tests.features.dropped import drop_quietly
from tests.features.shelves import until

SLOTS = 16384
ATTEMPTS = 5
"""To start a node: another may take a port that was free when it was drawn."""

NO_RETRY = Retry(NoBackoff(), 0)
SOON_MS = 1000
"""After which silence a node is taken for gone, in tests of nodes that go."""


def free_port() -> int:
    """Return a port that nobody listens on, below those that the kernel gives to clients."""
    while True:
        port = random.randint(10_000, 30_000)
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
        return port


@dataclass
class ClusterNode:
    """One server; ``client`` is a plain client of it that follows no redirect."""

    port: int
    bus_port: int
    server: EmbeddedValkey
    client: Redis = field(repr=False)
    node_id: str

    def ask(self, *words: str | int) -> Any:
        """Run one command on this very node."""
        return self.client.execute_command(*words)  # type: ignore[no-untyped-call]  # redis-py's

    def info(self) -> dict[str, str]:
        """Return what the node says of the cluster, by name."""
        lines = self.ask("CLUSTER", "INFO").decode().split()
        return dict(line.split(":", 1) for line in lines)

    def answers(self) -> bool:
        try:
            return bool(self.client.ping())
        except RedisError:
            return False

    def is_master(self) -> bool:
        return str(self.client.info("replication")["role"]) == "master"

    def is_orphan(self) -> bool:
        """Tell whether this is a replica that has no link to its master."""
        return (
            not self.is_master() and self.client.info("replication")["master_link_status"] != "up"
        )


class LocalCluster:
    """``masters`` share the slots evenly; each has ``replicas``. Ready when the block begins.

    Who is silent for ``gone_after_ms`` is taken for gone, and a replica takes a master's place. The
    password of all users is none, and persistence is off. `nodes` are in the order of their start:
    the masters first, then the first replica of each, and so on.
    """

    def __init__(self, masters: int = 3, replicas: int = 0, gone_after_ms: int = SOON_MS) -> None:
        self.nodes: list[ClusterNode] = []
        self.ports = [free_port() for _ in range(masters * (1 + replicas))]
        self._masters, self._replicas = masters, replicas
        self._gone_after_ms = gone_after_ms
        self._stack = ExitStack()

    @property
    def url(self) -> str:
        """Return the address to give to a client: two of the nodes."""
        return "redis+cluster://" + ",".join(f"127.0.0.1:{port}" for port in self.ports[:2])

    def client(self) -> RedisCluster:
        """Return redis-py's client of the whole."""
        return RedisCluster(host="127.0.0.1", port=self.ports[0])

    def start(self) -> Self:
        """Start all nodes, at the same ports each time, and wait until they agree."""
        self.stop()
        with ExitStack() as stack:
            self.nodes += [self._start(port, stack) for port in self.ports]
            masters = self.nodes[: self._masters]
            for epoch, node in enumerate(self.nodes, 1):
                node.ask("CLUSTER", "SET-CONFIG-EPOCH", epoch)
                for other in self.nodes[: epoch - 1]:
                    node.ask("CLUSTER", "MEET", "127.0.0.1", other.port, other.bus_port)
            bounds = [SLOTS * part // len(masters) for part in range(len(masters) + 1)]
            for node, first, end in zip(masters, bounds, bounds[1:], strict=False):
                node.ask("CLUSTER", "ADDSLOTSRANGE", first, end - 1)
            until(self._all_know_all)
            for place, node in enumerate(self.nodes[self._masters :]):
                node.ask("CLUSTER", "REPLICATE", masters[place % self._masters].node_id)
            until(self.is_whole)
            self._be_patient(*self.nodes)
            self._stack = stack.pop_all()
        return self

    def stop(self) -> None:
        """Stop all nodes; nothing of them stays."""
        self._stack.close()
        self.nodes.clear()
        drop_quietly()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        fault: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    def owner(self, slot: int) -> ClusterNode:
        """Return the node that serves a slot, as most of those that live have it."""
        votes: dict[str, int] = {}
        for node in self.living():
            for first, last, (_, _, node_id, *_), *_ in node.ask("CLUSTER", "SLOTS"):
                if first <= slot <= last:
                    name = node_id.decode()
                    votes[name] = votes.get(name, 0) + 1
        return self.by_id(max(votes, key=lambda name: votes[name]))

    def by_id(self, node_id: str) -> ClusterNode:
        return next(node for node in self.nodes if node.node_id == node_id)

    def living(self) -> list[ClusterNode]:
        return [node for node in self.nodes if node.answers()]

    def kill(self, node: ClusterNode) -> None:
        """End a node by SIGKILL; the others find out by themselves."""
        os.kill(int(node.client.info("server")["process_id"]), signal.SIGKILL)

    def add(self) -> ClusterNode:
        """Let a master without slots join; return when all know it."""
        node = self._start(free_port(), self._stack)
        node.ask("CLUSTER", "MEET", "127.0.0.1", self.nodes[0].port, self.nodes[0].bus_port)
        self.nodes.append(node)
        until(self._all_know_all)
        self._be_patient(node)
        return node

    def is_whole(self) -> bool:
        """Tell whether every slot is served and every replica follows, as all nodes see it."""
        living = self.living()
        return self._agree(living) and all(
            node.info()["cluster_state"] == "ok" and not node.is_orphan() for node in living
        )

    def move(
        self, slots: Iterable[int], target: ClusterNode, between: Callable[[], None] = lambda: None
    ) -> None:
        """Move slots to another master, one by one, key by key, as redis-cli's reshard does."""
        for slot in slots:
            source = self.owner(slot)
            if source is target:
                continue
            target.ask("CLUSTER", "SETSLOT", slot, "IMPORTING", source.node_id)
            source.ask("CLUSTER", "SETSLOT", slot, "MIGRATING", target.node_id)
            between()
            while names := source.ask("CLUSTER", "GETKEYSINSLOT", slot, 10):
                words = ["127.0.0.1", target.port, "", 0, 5000, "KEYS", *names]
                source.ask("MIGRATE", *words)
                between()
            # The target takes an epoch above all that it knows. Did another master take one of late
            # that it has not heard of, a word about that one would win: the target would give the
            # slot back, and delete its keys. So let gossip catch up, as an operator's pace does.
            until(lambda: self._has_heard_of_all(target))
            for node in (target, source, *self.nodes):
                if node.answers() and node.is_master():
                    node.ask("CLUSTER", "SETSLOT", slot, "NODE", target.node_id)

    def _agree(self, living: list[ClusterNode]) -> bool:
        """Tell whether all have heard who is a master: else a client hears this now and that then.

        Where nodes are as patient as in production they tell each other for up to half a minute.
        """
        told = (tracked_masters(node.ask("CLUSTER", "NODES"), "127.0.0.1") for node in living)
        return len(set(map(tuple, told))) == 1

    def _be_patient(self, *nodes: ClusterNode) -> None:
        """Take nobody for gone before time; the talk of the beginning needs haste."""
        for node in nodes:
            node.ask("CONFIG", "SET", "cluster-node-timeout", self._gone_after_ms)

    def _has_heard_of_all(self, node: ClusterNode) -> bool:
        """Tell whether a node knows the highest configuration epoch."""
        latest = max(int(other.info()["cluster_my_epoch"]) for other in self.living())
        return int(node.info()["cluster_current_epoch"]) >= latest

    def _start(self, port: int, stack: ExitStack) -> ClusterNode:
        for attempts_left in reversed(range(ATTEMPTS)):
            bus_port = free_port()
            options = {
                "cluster-enabled": "yes",
                "cluster-node-timeout": str(min(SOON_MS, self._gone_after_ms)),
                "cluster-port": str(bus_port),
                "repl-diskless-sync-delay": "0",
            }
            try:
                server = stack.enter_context(EmbeddedValkey(port, options))
            except EmbeddedUnavailable:
                if not attempts_left:
                    raise
            else:
                break
        client = stack.enter_context(Redis.from_url(server.url, retry=NO_RETRY))
        node_id = client.execute_command("CLUSTER", "MYID").decode()
        return ClusterNode(port, bus_port, server, client, node_id)

    def _all_know_all(self) -> bool:
        return all(
            int(told["cluster_known_nodes"]) == len(self.nodes) and told["cluster_state"] == "ok"
            for told in (node.info() for node in self.nodes)
        )
