"""Keeping near caches coherent: a line to the server, or one to each master of a cluster."""

import asyncio
import contextlib
import logging
import math
import threading
from collections.abc import Callable
from dataclasses import dataclass
from time import monotonic
from weakref import WeakKeyDictionary

from features import keys
from features.address import Address
from features.chance import CHANCE
from features.errors import StoreUnavailable
from features.line import CONNECT_TIMEOUT_S, PING_EVERY_S, Line
from features.near_cache import NearCache
from features.resp import Replies, Reply
from features.store import FeatureStore
from features.topology import CLUSTER_NODES, Endpoint, tracked_masters
from features.trust import DOUBT_AFTER_S, Trust
from features.types import Items
from features.warming import warm

WARM_BUDGET_S = 1.0

AGREED_AFTER_S = 5.0
"""A node that none of those asked has called a master for so long is none for all of them."""

AGAIN_AFTER_S = 1.0
"""A store that did not answer while rows were read ahead is left alone for so long."""

log = logging.getLogger("braid")


@dataclass(frozen=True, slots=True)
class RowKeys:
    """The keys of item rows: what they begin with, whose one is, and the store that reads them."""

    prefix: bytes
    item_of: Callable[[bytes], str | None]
    store: Callable[[Address], FeatureStore]


OWN = RowKeys(
    keys.ITEM_ROWS.encode(), keys.item_of, lambda address: FeatureStore(address, WARM_BUDGET_S, 1)
)


class Tracking:
    """Keeps near caches coherent from a thread of its own.

    While a server has no line, or one that does not answer, `trust` does not hold; when it has
    one again, every cache is flushed before `trust` holds again: what was missed is not known.
    Of a cluster, all masters must be heard, those without slots too, for they may get some: which
    they are is asked as often as the lines are proved, and proved with them.
    ``invalidations`` counts keys; ``refused`` is what a store said that cannot track.
    """

    def __init__(self, address: Address, rows: RowKeys = OWN) -> None:
        self.trust = Trust()
        self.prefix = rows.prefix
        self.invalidations = self.flushes = 0
        self.refused: str | None = None
        self._address = address
        self._rows = rows
        self._caches = WeakKeyDictionary[NearCache, Items]()
        self._following = threading.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._cold = asyncio.Event()
        self._ended = asyncio.Event()
        self._lines: dict[Endpoint, tuple[Line, asyncio.Task[None]]] = {}
        self._named: dict[Endpoint, float] = {}
        self._members_proved_at = -math.inf

    def follow(self, cache: NearCache, order: Items) -> None:
        """Keep a cache coherent for as long as somebody else holds it; read its rows in order."""
        with self._following:
            self._caches[cache] = order
        self._tell(self._cold)

    def start(self) -> None:
        """Begin; the store need not be there."""
        self._loop = loop = asyncio.new_event_loop()
        self._thread = threading.Thread(
            target=self._run, args=(loop,), name="braid-tracking", daemon=True
        )
        self._thread.start()

    def stop(self) -> None:
        """End the thread, and with it all trust."""
        if self._thread is not None:
            self._tell(self._ended)
            self._thread.join()

    # What the lines call.

    def hear(self, push: list[Reply]) -> None:
        """Take a push: the keys that were written to, or None where all are gone."""
        if len(push) != 2 or push[0] != b"invalidate":
            return
        names = push[1]
        if not isinstance(names, list):
            self._flush()
            self._cold.set()
            return
        items = (self._rows.item_of(name) for name in names if isinstance(name, bytes))
        item_ids = [item for item in items if item is not None]
        for cache in self._followed():
            cache.drop(item_ids)
        self.invalidations += len(item_ids)

    def begin(self) -> None:
        """Forget all rows: what was written before a line stood is not known."""
        self._flush()

    def prove(self) -> None:
        """Trust as far as every line, and who the masters are, is proved."""
        held = self.trust.holds()
        proofs = [line.proved_at for line, _ in self._lines.values()]
        self.trust.prove(min(self._members_proved_at, *proofs) if proofs else -math.inf)
        if not held and self.trust.holds():
            self._cold.set()

    def note(self, refusal: str | None) -> None:
        """Say it once where a store cannot track."""
        if refusal is not None and self.refused is None:
            log.warning("no item row is cached, as the feature store cannot track: %s", refusal)
        self.refused = refusal

    # The thread.

    def _tell(self, event: asyncio.Event) -> None:
        if self._loop is not None:
            with contextlib.suppress(RuntimeError):  # it has ended already
                self._loop.call_soon_threadsafe(event.set)

    def _run(self, loop: asyncio.AbstractEventLoop) -> None:
        with asyncio.Runner(loop_factory=lambda: loop) as runner:
            runner.run(self._live())

    async def _live(self) -> None:
        tasks = [asyncio.create_task(self._keep_warm())]
        if self._address.kind == "cluster":
            tasks.append(asyncio.create_task(self._keep_members()))
        else:
            self._members_proved_at = math.inf
            self._add((self._address.host, self._address.port), self._address)
        await self._ended.wait()
        tasks += [task for _, task in self._lines.values()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self.trust.lose()

    def _add(self, endpoint: Endpoint, address: Address) -> None:
        line = Line(address, self)
        self._lines[endpoint] = line, asyncio.create_task(line.keep())

    async def _keep_members(self) -> None:
        """Keep a line to each master of the cluster."""
        while True:
            asked = monotonic()
            try:
                masters = await self._masters()
            except StoreUnavailable, TimeoutError:
                pass
            else:
                self._named |= dict.fromkeys(masters, asked)
                for endpoint in set(masters) - self._lines.keys():
                    self._add(endpoint, self._address.at(*endpoint))
                for endpoint in self._lines.keys() - set(masters):
                    self._leave(endpoint)
                self._members_proved_at = asked
                self.prove()
            await asyncio.sleep(PING_EVERY_S)

    def _leave(self, endpoint: Endpoint) -> None:
        """Leave a node that is no master any more, by what one node says; but not in haste.

        Others may not have heard, or the one has not: nodes tell each other within half of their
        `cluster-node-timeout`. To a node that answers a line does no harm until all are agreed.
        """
        line, task = self._lines[endpoint]
        now = monotonic()
        if line.stands and now - self._named[endpoint] < AGREED_AFTER_S:
            return
        del self._lines[endpoint], self._named[endpoint]
        task.cancel()
        if now - line.proved_at >= DOUBT_AFTER_S:
            self._flush()  # what it wrote last is not known

    async def _masters(self) -> list[Endpoint]:
        """Ask any line, else a seed.

        Raises:
            StoreUnavailable: none answers; TimeoutError: not in time.
        """
        lines = [
            (endpoint, line) for endpoint, (line, _) in self._lines.items() if line.proved_at > 0
        ]
        if lines:
            (host, _), line = CHANCE.choice(lines)
            return tracked_masters(await line.ask(CLUSTER_NODES), host)
        host, port = CHANCE.choice(self._address.seeds)
        connection = await self._address.at(host, port).connect(CONNECT_TIMEOUT_S)
        try:
            [told] = await connection.send(CLUSTER_NODES, Replies(1), CONNECT_TIMEOUT_S)
        finally:
            connection.abort()
        return tracked_masters(told, host)

    def _flush(self) -> None:
        for cache in self._followed():
            cache.flush()
        self.flushes += 1

    def _followed(self) -> list[NearCache]:
        with self._following:
            return list(self._caches)

    async def _keep_warm(self) -> None:
        while True:
            await self._cold.wait()
            self._cold.clear()
            if self.trust.holds():
                try:
                    await self._warm()
                except StoreUnavailable:
                    # Requests ask for what they need of the rest meanwhile.
                    await asyncio.sleep(AGAIN_AFTER_S)
                    self._cold.set()
                except Exception:
                    log.exception("reading item rows ahead failed")

    async def _warm(self) -> None:
        store = self._rows.store(self._address)
        try:
            await store.open()
            # The newest is about to be served; what nobody serves any more is not kept for this.
            for known in reversed(self._caches.keyrefs()):
                if (cache := known()) is not None:
                    await warm(cache, self._caches[cache], store)
                del cache
        finally:
            await store.close()
