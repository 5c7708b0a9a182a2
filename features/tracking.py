"""Hearing from the store which item rows are no longer what they were.

One connection per process has the server announce every write to a key of an item row (RESP3,
`CLIENT TRACKING ... BCAST`), whoever writes it. It asks for a PONG ten times a second: replies
and announcements come in one order, so a PONG proves that all that was written before the PING
was sent (and acknowledged to its writer) has been heard. See docs/decisions/0006-near-cache.md.
"""

import asyncio
import contextlib
import logging
import random
import threading
from time import monotonic
from weakref import WeakKeyDictionary

from features import keys
from features.address import Address
from features.connection import Connection
from features.errors import CommandRefused, StoreUnavailable
from features.near_cache import NearCache
from features.resp import Replies, Reply, command
from features.store import FeatureStore
from features.trust import Trust
from features.types import Items
from features.warming import warm

CONNECT_TIMEOUT_S = 0.5
PING_EVERY_S = 0.1
LOST_AFTER_S = 2.0  # in doubt long before: a late PONG may yet come, and then nothing is lost
RECONNECT_LONGEST_S = 0.5
REFUSED_PAUSE_S = 30.0
WARM_BUDGET_S = 1.0

TRACK = command("HELLO", 3) + command("CLIENT", "TRACKING", "ON", "BCAST", "PREFIX", keys.ITEM_ROWS)
PING = command("PING")

log = logging.getLogger("braid")


class Tracking:
    """Keeps near caches coherent from a thread of its own.

    While it has no connection, or one that does not answer, `trust` does not hold; when it has
    one again, every cache is flushed before `trust` holds again: what was missed is not known.
    ``invalidations`` counts keys; ``refused`` is what a store said that cannot track.
    """

    def __init__(self, address: Address) -> None:
        self.trust = Trust()
        self.invalidations = self.flushes = 0
        self.refused: str | None = None
        self._address = address
        self._caches = WeakKeyDictionary[NearCache, Items]()
        self._following = threading.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._cold = asyncio.Event()
        self._ended = asyncio.Event()

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

    def _tell(self, event: asyncio.Event) -> None:
        if self._loop is not None:
            with contextlib.suppress(RuntimeError):  # it has ended already
                self._loop.call_soon_threadsafe(event.set)

    def _run(self, loop: asyncio.AbstractEventLoop) -> None:
        with asyncio.Runner(loop_factory=lambda: loop) as runner:
            runner.run(self._live())

    async def _live(self) -> None:
        tasks = [asyncio.create_task(self._keep_tracking()), asyncio.create_task(self._keep_warm())]
        await self._ended.wait()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _keep_tracking(self) -> None:
        while True:
            try:
                await self._track()
            except StoreUnavailable, TimeoutError:
                pass
            except Exception:
                log.exception("tracking item rows failed, and is tried again")
            # Full jitter: many replicas lost the same server at the same moment.
            await asyncio.sleep(random.uniform(0, RECONNECT_LONGEST_S))  # noqa: S311  no secret

    async def _track(self) -> None:
        """Live for as long as one connection.

        Raises:
            StoreUnavailable: it did not come to stand, or broke.
            TimeoutError: it stopped to answer.
        """
        connection = await self._address.connect(CONNECT_TIMEOUT_S, self._hear)
        try:
            began = monotonic()
            try:
                await _ask(connection, TRACK, 2)
            except CommandRefused as refusal:
                self._note(str(refusal))
                await asyncio.wait([connection.closed], timeout=REFUSED_PAUSE_S)
                return
            self._note(None)
            self._flush()
            self.trust.prove(began)
            self._cold.set()
            while not connection.closed.done():
                asked = monotonic()
                await _ask(connection, PING, 1)
                self.trust.prove(asked)
                await asyncio.wait([connection.closed], timeout=PING_EVERY_S)
        finally:
            self.trust.lose()
            connection.abort()

    def _hear(self, push: list[Reply]) -> None:
        """Take a push: the keys that were written to, or None where all are gone."""
        if len(push) != 2 or push[0] != b"invalidate":
            return
        names = push[1]
        if not isinstance(names, list):
            self._flush()
            return
        item_ids = [keys.item_of(name) for name in names if isinstance(name, bytes)]
        for cache in self._followed():
            cache.drop(item_ids)
        self.invalidations += len(item_ids)

    def _flush(self) -> None:
        for cache in self._followed():
            cache.flush()
        self.flushes += 1

    def _followed(self) -> list[NearCache]:
        with self._following:
            return list(self._caches)

    def _note(self, refusal: str | None) -> None:
        if refusal is not None and self.refused is None:
            log.warning("no item row is cached, as the feature store cannot track: %s", refusal)
        self.refused = refusal

    async def _keep_warm(self) -> None:
        while True:
            await self._cold.wait()
            self._cold.clear()
            if self.trust.holds():
                try:
                    await self._warm()
                except StoreUnavailable:
                    pass  # requests will ask for the rest
                except Exception:
                    log.exception("reading item rows ahead failed")

    async def _warm(self) -> None:
        store = FeatureStore(self._address, WARM_BUDGET_S, 1)
        try:
            await store.open()
            # The newest is about to be served; what nobody serves any more is not kept for this.
            for known in reversed(self._caches.keyrefs()):
                if (cache := known()) is not None:
                    await warm(cache, self._caches[cache], store)
                del cache
        finally:
            await store.close()


async def _ask(connection: Connection, payload: bytes, count: int) -> None:
    async with asyncio.timeout(LOST_AFTER_S):
        await connection.send(payload, Replies(count))
