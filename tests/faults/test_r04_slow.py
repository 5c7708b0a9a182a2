"""R4: Redis slow, jittery, in slices of a byte, reset and cut off in the midst of replies."""

import asyncio
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from random import Random

import numpy as np
import pytest
from redis import Redis

from features import keys
from features.address import Address
from features.bulk import write_items, write_users
from features.errors import StoreUnavailable
from features.history import history_entry
from features.item_table import ItemTable
from features.schema import Schema
from features.store import FeatureStore
from service.embedded import EmbeddedValkey
from tests.faults.figures import Figures
from tests.faults.length import Length
from tests.faults.noise import Noise
from tests.faults.proxy import Proxy
from tests.faults.toxics import CLEAN, Toxics

COUNT = 200
WIDTH = 8
ITEM_IDS = [f"item-{number}" for number in range(COUNT)]
USER_IDS = [f"user-{number}" for number in range(COUNT)]
ITEM = Schema.parse({"name": "item", "version": 1, "features": [{"name": "v", "shape": [WIDTH]}]})
USER = Schema.parse({"name": "user", "version": 1, "features": [{"name": "v", "shape": [WIDTH]}]})
TABLE = ItemTable(ITEM_IDS, ITEM)
BUDGET_S = 0.05
READERS = 8
LONGEST_MS = 60.0

TROUBLES = {
    "slow: 20 ms": Toxics(latency=20),
    "jittery: 25 +- 25 ms, about the budget": Toxics(latency=25, jitter=25),
    "slices of 1 byte": Toxics(average_size=1),
    "slices of 7 bytes, 1 ms apart": Toxics(average_size=7, delay=1000),
    "a line of 200 KB/s": Toxics(rate=200, average_size=1000),
    "silence": Toxics(timeout=0),
}


@dataclass
class Seen:
    """What the readers of one trouble saw."""

    good: int = 0
    failed: int = 0
    wrong: list[str] = field(default_factory=list)
    longest_s: float = 0.0


@pytest.fixture
def proxy(valkey: EmbeddedValkey, client: Redis) -> Iterator[Proxy]:
    """A proxy before a store in which every value names its owner."""
    own = np.repeat(np.arange(COUNT, dtype=np.float32)[:, None], WIDTH, axis=1)
    write_items(client, ITEM_IDS, own, ITEM, lambda _: None)
    write_users(client, USER_IDS, own + 1000, USER, lambda _: None)
    with client.pipeline() as pipeline:
        for user_id in USER_IDS:
            entries = [
                history_entry(f"{user_id}-{place}", "view", 1000 - place) for place in range(20)
            ]
            pipeline.rpush(keys.user_history(user_id), *entries)
        pipeline.execute()
    with Proxy(valkey.url) as proxy:
        yield proxy


async def read_items(store: FeatureStore, random: Random, seen: Seen) -> None:
    items = np.array(random.sample(range(COUNT), random.randrange(1, 100)), np.int64)
    rows, present = await store.read_items(TABLE, items, 1.0)
    if not (present.all() and (rows == items[:, None]).all()):
        seen.wrong.append(f"items {items.tolist()}")


async def read_users(store: FeatureStore, random: Random, seen: Seen) -> None:
    numbers = random.sample(range(COUNT), random.randrange(1, 6))
    users = await store.read_users([USER_IDS[number] for number in numbers], USER, 1.0)
    for number, user in zip(numbers, users, strict=True):
        history = [f"{USER_IDS[number]}-{place}" for place in range(20)]
        if not user.known or (user.row != number + 1000).any() or user.history != history:
            seen.wrong.append(f"user {number}")


async def read_until(
    store: FeatureStore, end_s: float, seed: int, seen: Seen, noise: Noise
) -> None:
    """Read items and users at random; give some up in the midst, as a client that leaves does."""
    random = Random(seed)
    while time.monotonic() < end_s:
        read = random.choice((read_items, read_users))(store, random, seen)
        began = time.monotonic() - noise.total_s
        try:
            if random.random() < 0.2:
                async with asyncio.timeout(random.uniform(0, BUDGET_S)):
                    await read
            else:
                await read
            seen.good += 1
        except StoreUnavailable, TimeoutError:
            seen.failed += 1
        seen.longest_s = max(seen.longest_s, time.monotonic() - noise.total_s - began)
        await asyncio.sleep(random.uniform(0, 0.003))


async def suffer(store: FeatureStore, seconds: float) -> Seen:
    seen, end = Seen(), time.monotonic() + seconds
    with Noise() as noise:
        await asyncio.gather(
            *(read_until(store, end, seed, seen, noise) for seed in range(READERS))
        )
    return seen


async def recovered_s(store: FeatureStore) -> float:
    """Return how long it takes until reads are good again, ten times in a row."""
    began, good = time.monotonic(), 0
    while good < 10:
        assert time.monotonic() - began < 10, "it never came back"
        seen = Seen()
        try:
            await read_users(store, Random(good), seen)
            good += 1
        except StoreUnavailable:
            good = 0
        assert not seen.wrong
        await asyncio.sleep(0.001)
    return time.monotonic() - began


@pytest.mark.fault("R4", "Redis is slow, jittery, sliced, silent")
def test_a_bad_line_gives_no_wrong_row_and_nobody_waits_longer_than_the_budget(
    proxy: Proxy, figures: Figures, length: Length
) -> None:
    async def main() -> None:
        store = FeatureStore(Address.parse(proxy.url), BUDGET_S, 100)
        await store.open()
        wrong, returns = list[str](), list[float]()
        longest, reads = 0.0, 0
        for name, toxics in TROUBLES.items():
            proxy.downstream = toxics
            seen = await suffer(store, length.pick(short=0.4, ci=4.0, full=30.0))
            proxy.downstream = CLEAN
            returns.append(await recovered_s(store))
            share = seen.good / (seen.good + seen.failed)
            figures.note(f"read all the same, {name}", round(100 * share, 1), "%")
            wrong += seen.wrong
            longest, reads = max(longest, seen.longest_s), reads + seen.good + seen.failed
        await store.close()
        figures.note("reads", reads)
        figures.hold("wrong rows", len(wrong), equal=0)
        figures.hold(
            "longest read, less the machine's pauses", longest * 1e3, at_most=LONGEST_MS, unit="ms"
        )
        figures.note("good reads after the trouble, at most", max(returns), "s")

    asyncio.run(main())


@pytest.mark.fault("R4", "replies are reset and truncated in their midst")
@pytest.mark.parametrize("kind", ["limit_data", "reset_peer"])
def test_an_interrupted_connection_is_never_used_again(
    proxy: Proxy, kind: str, figures: Figures, length: Length
) -> None:
    async def main() -> None:
        store = FeatureStore(Address.parse(proxy.url), BUDGET_S, 100)
        await store.open()
        total, random, cuts = Seen(), Random(5), length.pick(short=15, ci=80, full=2000)
        returns = []
        for _ in range(cuts):
            broken = len([link for link in proxy.links if link.down.cut is not None])
            proxy.downstream = Toxics(**{kind: random.randrange(0, 3000)})
            end = time.monotonic() + 5
            while len([link for link in proxy.links if link.down.cut is not None]) == broken:
                assert time.monotonic() < end, "nothing was cut"
                now = time.monotonic()
                await read_until(store, now + 0.01, random.randrange(1000), total, Noise())
            proxy.downstream = CLEAN
            returns.append(await recovered_s(store))
        await store.close()
        cut = [link for link in proxy.links if link.down.cut is not None]
        figures.note("cuts", len(cut))
        figures.hold("wrong rows", len(total.wrong), equal=0)
        figures.hold("new connections", len(proxy.links) - 1, at_least=len(cut))
        figures.note("good reads after a cut, at most", max(returns), "s")

    asyncio.run(main())
