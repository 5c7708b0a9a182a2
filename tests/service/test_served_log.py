"""What was served is noted beside the answers, never in their way."""

import asyncio
import time
from typing import Any

import msgspec
from redis import Redis

from features import keys
from features.address import Address
from features.served import Served
from features.store import SHOWN_CAP, FeatureStore
from service.logs.served import MOST_HELD, ServedLog
from tests.features.schemas import USER
from tests.stores import new_store, redis_of


async def settled(log: ServedLog, slates: int) -> None:
    async with asyncio.timeout(20):
        while log.appender.written + log.appender.dropped < slates:  # noqa: ASYNC110  it has no bell to ring
            await asyncio.sleep(0.002)


def slates_of(client: Redis, user_id: str) -> list[Served]:
    found: Any = client.xrange(keys.served(keys.partition(user_id)))
    return [msgspec.json.decode(fields[b"slate"], type=Served) for _, fields in found]


async def opened(address: Address, budget_s: float = 20.0) -> FeatureStore:
    store = FeatureStore(address, budget_s, 100)
    await store.open()
    return store


def test_what_was_served_is_read_back_with_the_first_place_first(
    address: Address, client: Redis
) -> None:
    async def main() -> None:
        writer = await opened(address)
        log = ServedLog(writer)
        began = time.time_ns() // 1_000_000
        log.note("ann", ["a", "b"], "r-1", "home", "treatment")
        log.note("ann", ("c", "a"), "r-2", "cart")
        log.note("bob", ["x"])
        log.note("bob", [])
        await settled(log, 3)
        ann = await writer.read_user("ann", USER, 20, shown_cap=10)
        bob = await writer.read_user("bob", USER, 20, shown_cap=10)
        await writer.close()
        assert (log.appender.written, log.appender.dropped) == (3, 0)
        assert (bob.shown, ann.history) == (["x"], [])
        assert ann.shown == ["c", "a", "a", "b"]
        assert all(began <= at <= time.time_ns() // 1_000_000 for at in ann.shown_times_ms)

    asyncio.run(main())
    first, second = slates_of(client, "ann")
    assert (first.item_ids, first.request_id, first.surface) == (("a", "b"), "r-1", "home")
    assert (first.variant, second.variant) == ("treatment", None)


def test_one_turn_of_the_loop_is_one_write(address: Address, client: Redis) -> None:
    async def main() -> int:
        writer = await opened(address)
        log = ServedLog(writer)
        before = int(client.info("stats")["total_reads_processed"])
        for number in range(50):
            log.note(f"u{number}", ["a", "b"])
        await settled(log, 50)
        after = int(client.info("stats")["total_reads_processed"])
        await writer.close()
        return after - before

    assert asyncio.run(main()) < 10  # and the INFO itself is one


def test_nobody_waits_for_it(address: Address, client: Redis) -> None:
    async def main() -> None:
        writer = await opened(address)
        log = ServedLog(writer)
        log.note("ann", ["a"])
        assert not client.exists(keys.user_shown("ann"))  # not even begun
        await settled(log, 1)
        await writer.close()

    asyncio.run(main())


def test_a_store_that_is_gone_drops_and_counts() -> None:
    async def main() -> None:
        writer = await opened(Address.parse("redis://127.0.0.1:1"))
        log = ServedLog(writer)
        for _ in range(3):
            log.note("ann", ["a"])
        await settled(log, 3)
        await writer.close()
        assert (log.appender.written, log.appender.dropped) == (0, 3)

    asyncio.run(main())


def test_a_store_that_stalls_is_not_sent_more_than_it_can_take(client: Redis) -> None:
    with new_store() as valkey, redis_of(valkey.url) as own:

        async def main() -> None:
            writer = await opened(Address.parse(valkey.url), budget_s=20.0)
            log = ServedLog(writer)
            own.execute_command("CLIENT", "PAUSE", 2000)
            for number in range(MOST_HELD + 7):
                log.note("ann", [f"i{number}"])
                if number % 100 == 0:
                    await asyncio.sleep(0)
            assert log.appender.dropped == 7
            own.execute_command("CLIENT", "UNPAUSE")
            await settled(log, MOST_HELD + 7)
            assert (log.appender.written, log.appender.dropped) == (MOST_HELD, 7)
            log.note("ann", ["again"])
            await settled(log, MOST_HELD + 8)
            assert log.appender.written == MOST_HELD + 1
            assert (await writer.read_user("ann", USER, 20, shown_cap=3)).shown[0] == "again"
            await writer.close()

        asyncio.run(main())


def test_what_is_kept_per_user_is_capped(address: Address, client: Redis) -> None:
    async def main() -> None:
        writer = await opened(address)
        log = ServedLog(writer)
        for _ in range(10):
            log.note("ann", [f"i{number}" for number in range(200)])
        await settled(log, 10)
        await writer.close()

    asyncio.run(main())
    assert client.llen(keys.user_shown("ann")) == SHOWN_CAP
