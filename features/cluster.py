"""A Redis Cluster: each command goes to the node that serves its slot, nodes at the same time."""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from time import monotonic
from typing import Any, Final

import numpy as np

from features.address import Address
from features.batch import Asked, Batch, Reader
from features.chance import CHANCE
from features.counts import StoreCounts
from features.errors import CommandRefused, StoreUnavailable
from features.node import CONNECT_TIMEOUT_S, Node
from features.resp import Replies
from features.retry_budget import RetryBudget
from features.servers import Failed
from features.topology import CLUSTER_SLOTS, Endpoint, Topology, redirect_of
from features.types import Items

MOST_ATTEMPTS: Final = 3
"""A slot on the move may take two redirects: to its new owner, and on from there."""
LEAST_PAUSE_S: Final = 0.05
LONGEST_PAUSE_S: Final = 0.5
RETIRE_AFTER_S: Final = 1.0


@dataclass(frozen=True, slots=True)
class Route:
    """Where some of a batch's commands go, and how."""

    node: Node
    asking: bool = False
    apart: bool = False


type Routes = dict[Route, Items]


@dataclass(frozen=True, slots=True)
class Unanswered:
    """Commands without an answer after one attempt; ``sent`` tells whether they went out."""

    route: Route | None
    places: Items
    fault: StoreUnavailable
    sent: bool


class Cluster:
    """Keeps a node for each master, and one look at the topology under way at a time.

    Redirects are followed: MOVED (and the topology is looked at again) and ASK. A command that was
    refused was not run, so this holds for writes, too. What was sent and got no answer is asked
    again if it only reads. Of both, retries stay within the budget, but for ASK and TRYAGAIN,
    which concern no more than the slots that move at this moment.
    """

    def __init__(self, address: Address, budget_s: float, counts: StoreCounts) -> None:
        self._address = address
        self._budget_s = budget_s
        self._counts = counts
        self._retries = RetryBudget()
        self._nodes: dict[Endpoint, Node] = {}
        self._topology: Topology | None = None
        self._stale = asyncio.Event()
        self._follower: asyncio.Task[None] | None = None
        self._retired = set[asyncio.Task[None]]()

    @property
    def nodes(self) -> Sequence[Node]:
        """The nodes that are known: masters, and whoever a slot is on its way to."""
        return tuple(self._nodes.values())

    async def open(self) -> None:
        """Begin to connect; return once the first attempts have ended, either way."""
        looked = asyncio.get_running_loop().create_future()
        self._follower = asyncio.create_task(self._follow(looked), name="braid-topology")
        await looked
        await asyncio.gather(*(node.attempted() for node in self.nodes))

    async def close(self) -> None:
        """Drop every connection."""
        tasks = [*self._retired, *([self._follower] if self._follower else [])]
        for task in tasks:
            task.cancel()
        nodes = self.nodes
        self._nodes.clear()
        self._topology = None
        await asyncio.gather(*(node.close() for node in nodes))
        await asyncio.gather(*tasks, return_exceptions=True)

    async def ask(self, batch: Batch, within_s: float) -> Sequence[Failed]:
        """Have the batch answered by whoever serves its slots.

        Raises:
            StoreUnavailable: nobody is known to serve any slot.
        """
        until = monotonic() + min(self._budget_s, within_s)
        self._retries.deposit()
        slots = batch.slots()
        failed: list[Failed] = []
        routes = self._plan(slots, np.arange(len(slots)), failed)
        for attempt in range(MOST_ATTEMPTS):
            unanswered = await self._send(routes, batch, until)
            routes = {}
            for one in unanswered:
                last = attempt == MOST_ATTEMPTS - 1
                again = {} if last else await self._again(one, batch, slots, until, failed)
                if not again:
                    self._note(one.fault)
                    failed.append(Failed(one.places, one.fault))
                for route, places in again.items():
                    known = routes.get(route)
                    routes[route] = places if known is None else np.concatenate((known, places))
            if not routes:
                break
        return failed

    def _plan(self, slots: Items, places: Items, failed: list[Failed]) -> Routes:
        """Divide these places among the nodes; those of slots that nobody serves fail."""
        topology = self._topology
        if topology is None:
            raise StoreUnavailable("store_down", "the cluster's topology is not known")
        owners = topology.owner[slots[places]]
        routes: Routes = {}
        for owner in np.unique(owners).tolist():
            mine = places[owners == owner]
            if owner < 0:
                self._stale.set()
                fault = StoreUnavailable("store_cluster_down", "a slot is not served")
                failed.append(Failed(mine, fault))
            else:
                routes[Route(self._node(topology.masters[owner]))] = mine
        return routes

    async def _send(self, routes: Routes, batch: Batch, until: float) -> list[Unanswered]:
        """Send to all nodes, then wait for each; return what was not answered."""
        unanswered: list[Unanswered] = []
        sent: list[tuple[Route, Items, Reader, asyncio.Future[Any]]] = []
        for route, places in routes.items():
            payload, reader = _written(batch, places, route)
            try:
                answer = route.node.send(payload, reader, until - monotonic())
            except StoreUnavailable as fault:
                unanswered.append(Unanswered(route, places, fault, sent=False))
            else:
                sent.append((route, places, reader, answer))
        try:
            for route, places, reader, answer in sent:
                try:
                    await answer
                except StoreUnavailable as fault:
                    unanswered.append(Unanswered(route, places, fault, sent=True))
                else:
                    unanswered += [
                        Unanswered(route, refused, why, sent=True)
                        for refused, why in reader.refused
                    ]
        finally:
            for *_, answer in sent:
                if not answer.cancel() and not answer.cancelled():
                    answer.exception()  # nobody else will look
        return unanswered

    async def _again(
        self, one: Unanswered, batch: Batch, slots: Items, until: float, failed: list[Failed]
    ) -> Routes:
        """Return where these commands go now; nowhere where that would not help, or not be safe."""
        route = one.route
        if route is None or monotonic() >= until:
            return {}
        if not isinstance(one.fault, CommandRefused):
            lost = one.sent and one.fault.reason == "store_down"
            if not (lost and batch.reading and self._may_retry()):
                return {}
            await route.node.attempted(until - monotonic())
            return self._plan(slots, one.places, failed)
        detail = one.fault.detail
        if one.fault.unfit:
            route.node.drop()
        if redirect := redirect_of(detail, route.node.address.host):
            return await self._redirected(*redirect, one, until)
        if detail.startswith("TRYAGAIN") and not route.apart and batch.reading:
            # Some keys of the slot are here, some there: each by itself is answered, or ASKed.
            return {Route(route.node, route.asking, apart=True): one.places}
        if detail.startswith("NOSCRIPT") and not route.apart:
            return {Route(route.node, route.asking, apart=True): one.places}
        if detail.startswith("CLUSTERDOWN"):
            self._stale.set()
        return {}

    async def _redirected(
        self, word: str, slot: int, to: Endpoint, one: Unanswered, until: float
    ) -> Routes:
        self._counts.redirects += 1
        if word == "MOVED":
            if self._topology is not None:
                self._topology = self._topology.moved(slot, to)
            self._stale.set()
            if not self._may_retry():
                return {}
        node = self._node(to)
        if not node.connected:
            await node.attempted(until - monotonic())
        return {Route(node, asking=word == "ASK"): one.places}

    def _may_retry(self) -> bool:
        allowed = self._retries.withdraw()
        self._counts.retries += allowed
        self._counts.unaffordable += not allowed
        return allowed

    def _note(self, fault: StoreUnavailable) -> None:
        self._counts.timeouts += fault.reason == "store_timeout"
        self._counts.refusals += isinstance(fault, CommandRefused)

    def _node(self, endpoint: Endpoint) -> Node:
        """Return the node at an endpoint; one that is not known yet begins to connect."""
        node = self._nodes.get(endpoint)
        if node is None:
            address = self._address.at(*endpoint)
            node = Node(address, self._budget_s, self._counts, self._stale.set)
            self._nodes[endpoint] = node
            node.start()
        return node

    async def _follow(self, looked: asyncio.Future[None]) -> None:
        """Look at the topology now, and again whenever something speaks against it."""
        while True:
            self._stale.clear()
            with suppress(StoreUnavailable):
                self._adopt(await self._look())
            if not looked.done():
                looked.set_result(None)
            whole = self._topology is not None and all(node.connected for node in self.nodes)
            longest = None if whole else CHANCE.uniform(LEAST_PAUSE_S, LONGEST_PAUSE_S)
            with suppress(TimeoutError):
                async with asyncio.timeout(longest):
                    await self._stale.wait()
            await asyncio.sleep(LEAST_PAUSE_S)

    async def _look(self) -> Topology:
        """Ask the nodes in any order, and then the seeds, until one tells.

        Raises:
            StoreUnavailable: none does.
        """
        connected = [node for node in self.nodes if node.connected]
        for node in CHANCE.sample(connected, len(connected)):
            with suppress(StoreUnavailable):
                [told] = await node.send(CLUSTER_SLOTS, Replies(1), CONNECT_TIMEOUT_S)
                return Topology.read(told, node.address.host)
        fault = StoreUnavailable("store_down", f"{self._address!r}: no node answers")
        seeds = self._address.seeds
        for seed in CHANCE.sample(seeds, len(seeds)):
            try:
                return await self._look_at(self._address.at(*seed))
            except StoreUnavailable as refusal:
                fault = refusal
        raise fault

    async def _look_at(self, seed: Address) -> Topology:
        connection = await seed.connect(CONNECT_TIMEOUT_S)
        try:
            [told] = await connection.send(CLUSTER_SLOTS, Replies(1), CONNECT_TIMEOUT_S)
        finally:
            connection.abort()
        return Topology.read(told, seed.host)

    def _adopt(self, topology: Topology) -> None:
        self._topology = topology
        for endpoint in topology.masters:
            self._node(endpoint)
        for endpoint in self._nodes.keys() - set(topology.masters):
            retired = asyncio.create_task(_retire(self._nodes.pop(endpoint)))
            self._retired.add(retired)
            retired.add_done_callback(self._retired.discard)


async def _retire(node: Node) -> None:
    """Let a node that serves no slot any more answer what it was asked."""
    try:
        await asyncio.sleep(RETIRE_AFTER_S)
    finally:
        await node.close()


def _written(batch: Batch, places: Items, route: Route) -> tuple[Any, Reader]:
    if route.asking:
        asked = Asked(batch, places)
        return asked.payload, asked
    return batch.some(places, apart=route.apart)
