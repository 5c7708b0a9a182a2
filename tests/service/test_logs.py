"""Logs reach the store without anybody waiting, are bounded, and count what they drop."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from redis import Redis

from features import keys
from features.address import Address
from features.served_features import RECORD, RECORDS_KEPT, append_command, decode
from features.store import FeatureStore
from features.streams import entries
from service.embedded import EmbeddedValkey
from service.logs.appender import MOST_HELD, Appender
from service.logs.features import sampled
from tests.features.served import draw, same


@asynccontextmanager
async def opened(address: Address, budget_s: float = 30.0) -> AsyncIterator[FeatureStore]:
    store = FeatureStore(address, budget_s, 10)
    await store.open()
    try:
        yield store
    finally:
        await store.close()


async def told(appender: Appender[int], count: int) -> None:
    """Return when so many are written, of themselves."""
    while appender.written < count:  # noqa: ASYNC110  nothing else says so
        await asyncio.sleep(0.001)


def test_records_arrive_in_the_order_in_which_they_were_added(
    address: Address, client: Redis
) -> None:
    records = [draw(seed) for seed in range(30)]

    async def log() -> Appender[int]:
        async with opened(address) as store:
            appender = Appender[int](store, lambda seed: [append_command(records[seed])])
            for seed in range(20):
                appender.add(seed)
            assert not client.exists(keys.SERVED_FEATURES)  # nobody has waited
            await asyncio.wait_for(told(appender, 20), 30)
            for seed in range(20, 30):
                appender.add(seed)
            await appender.close()
            return appender

    appender = asyncio.run(log())
    assert (appender.written, appender.dropped) == (30, 0)
    found = [decode(entry) for entry in entries(client, keys.SERVED_FEATURES, RECORD)]
    assert all(same(one, other) for one, other in zip(found, records, strict=True))


def test_more_than_is_held_is_dropped_and_counted(address: Address, client: Redis) -> None:
    async def log() -> tuple[int, int]:
        async with opened(address) as store:
            appender = Appender[int](store, lambda _: [append_command(draw(1, n=1))])
            for number in range(MOST_HELD + 7):
                appender.add(number)
            await appender.close()
            return appender.written, appender.dropped

    assert asyncio.run(log()) == (MOST_HELD, 7)
    assert client.xlen(keys.SERVED_FEATURES) == MOST_HELD


def test_without_a_store_records_are_dropped_and_nobody_is_told() -> None:
    with EmbeddedValkey() as valkey:
        address = Address.parse(valkey.url)

    async def log() -> tuple[int, int]:
        async with opened(address, 0.05) as store:
            appender = Appender[int](store, lambda _: [append_command(draw(1, n=1))])
            appender.add(1)
            appender.add(2)
            await appender.close()
            return appender.written, appender.dropped

    assert asyncio.run(log()) == (0, 2)


def test_a_stream_that_cannot_be_written_costs_the_record_alone(
    address: Address, client: Redis
) -> None:
    client.set(keys.SERVED_FEATURES, "no stream")

    async def log() -> tuple[int, int]:
        async with opened(address) as store:
            appender = Appender[int](store, lambda _: [append_command(draw(1, n=1))])
            appender.add(1)
            await appender.close()
            client.delete(keys.SERVED_FEATURES)
            appender.add(2)
            await appender.close()
            return appender.written, appender.dropped

    assert asyncio.run(log()) == (1, 1)


def test_the_stream_is_capped() -> None:
    words = append_command(draw(1, n=1)).split(b"\r\n")
    at = words.index(b"MAXLEN")
    assert words[at + 2] == b"~"
    assert words[at + 4] == str(RECORDS_KEPT).encode()


def test_a_share_of_the_requests_is_sampled_by_their_ids_alone() -> None:
    ids = [f"01J{number:023d}" for number in range(20_000)]
    chosen = {name for name in ids if sampled(name, 0.1)}
    assert 1800 < len(chosen) < 2200
    assert chosen == {name for name in ids if sampled(name, 0.1)}
    assert chosen < {name for name in ids if sampled(name, 0.2)}
    assert not any(sampled(name, 0.0) for name in ids)
    assert all(sampled(name, 1.0) for name in ids)
    assert isinstance(sampled("\udcff", 0.5), bool)  # what a client calls it may be no text
