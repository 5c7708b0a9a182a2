"""Invalidations from a real server: rows that changed are forgotten, and doubt is doubt."""

import asyncio
import logging
import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import pytest
from redis import Redis

from features import keys
from features import tracking as module
from features.address import Address
from features.bulk import write_items
from features.client import Client
from features.errors import StoreUnavailable
from features.item_table import ItemTable
from features.near_cache import NearCache
from features.store import FeatureStore
from features.tracking import Tracking
from features.trust import DOUBT_AFTER_S
from features.types import Items
from service.embedded import EmbeddedValkey
from tests.faults.proxy import Proxy
from tests.faults.toxics import CLEAN, Toxics
from tests.features.shelves import Shelf, until

BUDGET_S = 30.0
SHELF = Shelf(50)


def write(client: Client, version: int, shelf: Shelf = SHELF) -> None:
    rows = shelf.rows(shelf.items, version)
    write_items(client, shelf.ids, rows, shelf.schema, lambda _: None)


@contextmanager
def tracking(address: Address) -> Iterator[Tracking]:
    tracking = Tracking(address)
    tracking.start()
    try:
        yield tracking
    finally:
        tracking.stop()


def followed(tracking: Tracking, shelf: Shelf = SHELF, order: Items = SHELF.items) -> NearCache:
    cache = shelf.cache(tracking.trust)
    tracking.follow(cache, order)
    return cache


def versions(cache: NearCache) -> dict[int, int]:
    """Return each item whose row the cache has, with the row's version."""
    found = cache.gather(SHELF.items)
    hits = np.delete(SHELF.items, found.missed)
    hits = hits[found.present[hits]]
    assert (found.rows[hits, 1] == hits).all()
    return {int(item): int(found.rows[item, 0]) for item in hits}


def is_warm(cache: NearCache, version: int) -> Callable[[], bool]:
    return lambda: versions(cache) == dict.fromkeys(range(50), version)


@pytest.fixture
def warm(client: Redis, address: Address) -> Iterator[tuple[NearCache, Tracking]]:
    """A cache that has read all rows, of version 1, and what keeps it coherent."""
    write(client, 1)
    with tracking(address) as line:
        cache = followed(line)
        until(is_warm(cache, 1))
        yield cache, line


def in_transaction(client: Redis, key: str) -> None:
    with client.pipeline() as pipeline:
        pipeline.delete(key)
        pipeline.execute()


CHANGES: dict[str, Callable[[Redis, str], object]] = {
    "set": lambda client, key: client.set(key, b"another"),
    "delete": lambda client, key: client.delete(key),
    "unlink": lambda client, key: client.unlink(key),
    "rename": lambda client, key: client.rename(key, "elsewhere"),
    "append": lambda client, key: client.append(key, b"."),
    "time to live": lambda client, key: client.pexpire(key, 1),
    "transaction": in_transaction,
    "script": lambda client, key: client.eval("return redis.call('DEL', KEYS[1])", 1, key),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES.keys())
def test_a_row_that_anybody_changes_is_forgotten_and_its_neighbours_are_not(
    change: Callable[[Redis, str], object], warm: tuple[NearCache, Tracking], client: Redis
) -> None:
    cache, line = warm
    change(client, keys.item_row("7"))
    until(lambda: 7 not in versions(cache))
    assert set(versions(cache)) == {item for item in range(50) if item != 7}
    until(lambda: line.invalidations >= 1)


@pytest.mark.parametrize("whole", [True, False])
@pytest.mark.parametrize("asynchronous", [True, False])
def test_a_flushed_server_empties_the_cache(
    whole: bool, asynchronous: bool, warm: tuple[NearCache, Tracking], client: Redis
) -> None:
    cache, line = warm
    flushes = line.flushes
    (client.flushall if whole else client.flushdb)(asynchronous=asynchronous)
    until(lambda: line.flushes > flushes)  # once for each server
    assert not versions(cache)
    assert line.trust.holds()


def test_other_keys_are_none_of_our_business(
    warm: tuple[NearCache, Tracking], client: Redis
) -> None:
    cache, _ = warm
    client.set(keys.user_row("7"), b"x")
    client.set("braid:item", b"x")
    client.set(keys.item_row("of nobody"), b"x")
    client.set(keys.ITEM_ROWS, b"x")
    client.set(keys.item_row("7"), b"x")  # in order: when this is heard, so were the others
    until(lambda: 7 not in versions(cache))
    assert len(versions(cache)) == 49


def test_a_proof_means_that_all_acknowledged_writes_before_it_were_heard(
    warm: tuple[NearCache, Tracking], client: Redis
) -> None:
    cache, line = warm
    for version in range(10):
        client.set(keys.item_row(str(version)), b"another")
        acknowledged = time.monotonic()
        until(lambda: time.monotonic() - line.trust.age_s() > acknowledged)  # noqa: B023
        assert version not in versions(cache)


def test_a_thousand_rows_written_at_once_are_all_forgotten(client: Redis, address: Address) -> None:
    shelf = Shelf(20_000)
    write(client, 1, shelf)
    with tracking(address) as line:
        cache = followed(line, shelf, shelf.items)
        until(lambda: not len(cache.gather(shelf.items).missed))
        with client.pipeline(transaction=False) as pipeline:
            for item_id in shelf.ids:
                pipeline.set(keys.item_row(item_id), b"x")
            pipeline.execute()
        until(lambda: len(cache.gather(shelf.items).missed) == len(shelf.items))


def test_rows_are_read_ahead_to_the_end_by_a_store_that_fails_to_answer_once(
    client: Redis, address: Address, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(client, 1)
    failures = iter([StoreUnavailable("timeout")])
    read = FeatureStore.read_items

    async def once(store: FeatureStore, table: ItemTable, items: Items, s: float) -> Any:
        for failure in failures:
            raise failure
        return await read(store, table, items, s)

    monkeypatch.setattr(FeatureStore, "read_items", once)
    monkeypatch.setattr(module, "AGAIN_AFTER_S", 0.01)
    with tracking(address) as line:
        cache = followed(line)
        until(is_warm(cache, 1))
        assert line.flushes == len(line._lines), "trusted all the while"


def test_a_late_reply_never_brings_an_old_row_back(client: Redis, address: Address) -> None:
    write(client, 1)
    with tracking(address) as line, Proxy(address.url) as proxy:
        cache = followed(line, order=SHELF.items[:0])
        until(line.trust.holds)

        async def main() -> None:
            store = FeatureStore(Address.parse(proxy.url), BUDGET_S, 1)
            await store.open()
            ticket = cache.gather(SHELF.items).ticket
            proxy.downstream = Toxics(timeout=0)
            reading = asyncio.create_task(store.read_items(cache.table, SHELF.items, BUDGET_S))
            await asyncio.to_thread(until, lambda: proxy.links[-1].down.held)
            heard = line.invalidations
            client.set(keys.item_row("7"), b"another")
            await asyncio.to_thread(until, lambda: line.invalidations > heard)
            proxy.downstream = CLEAN
            rows, present = await reading
            assert present.all()  # the old row is among them
            cache.fill(ticket, SHELF.items, rows, present)
            await store.close()

        asyncio.run(main())
        assert versions(cache) == {item: 1 for item in range(50) if item != 7}


def tracking_clients(client: Redis) -> list[str]:
    """Return the ids of the connections that track keys."""
    flags = {entry["id"]: entry["flags"] for entry in client.client_list()}
    return [number for number, letters in flags.items() if "t" in letters]


def test_a_killed_connection_is_doubted_and_then_everything_is_read_anew(
    warm: tuple[NearCache, Tracking], client: Redis
) -> None:
    cache, line = warm
    flushes = line.flushes
    (number,) = tracking_clients(client)
    # In one transaction, so that the write comes when nobody listens.
    with client.pipeline() as pipeline:
        pipeline.client_kill_filter(_id=number)
        pipeline.set(keys.item_row("7"), b"another")
        pipeline.execute()
    until(lambda: line.flushes == flushes + 1 and line.trust.holds())
    found = cache.gather(SHELF.items)
    assert 7 in found.missed or not found.present[7]


def test_a_stopped_server_is_doubted_in_time_and_believed_again_without_a_loss(
    frail: EmbeddedValkey,
) -> None:
    with Redis.from_url(frail.url) as client, tracking(Address.parse(frail.url)) as line:
        write(client, 1)
        cache = followed(line)
        until(is_warm(cache, 1))
        flushes = line.flushes
        pid = frail.pid
        os.kill(pid, signal.SIGSTOP)
        try:
            stopped = time.monotonic()
            until(lambda: not line.trust.holds())
            assert time.monotonic() - stopped <= 2 * DOUBT_AFTER_S
            assert not versions(cache)
            assert len(cache.recall(SHELF.items).missed) == 0
        finally:
            os.kill(pid, signal.SIGCONT)
        until(is_warm(cache, 1))
        assert line.flushes == flushes


def test_a_server_that_hangs_for_long_is_left_and_everything_is_read_anew(
    frail: EmbeddedValkey, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("features.line.LOST_AFTER_S", 0.3)
    with Redis.from_url(frail.url) as client, tracking(Address.parse(frail.url)) as line:
        write(client, 1)
        cache = followed(line)
        until(is_warm(cache, 1))
        pid = frail.pid
        flushes = line.flushes
        os.kill(pid, signal.SIGSTOP)
        until(lambda: line.trust.age_s() == float("inf"))
        os.kill(pid, signal.SIGCONT)
        until(is_warm(cache, 1))
        assert line.flushes > flushes


def test_a_server_that_comes_back_with_other_rows_is_read_anew(frail: EmbeddedValkey) -> None:
    with Redis.from_url(frail.url) as client:
        write(client, 1)
    with tracking(Address.parse(frail.url)) as line:
        cache = followed(line)
        until(is_warm(cache, 1))
        frail.stop()
        until(lambda: not line.trust.holds())
        assert not versions(cache)
        frail.start()
        with Redis.from_url(frail.url) as client:
            write(client, 2)
        until(line.trust.holds)
        assert set(versions(cache).values()) <= {2}


def test_a_server_that_comes_later_is_found(frail: EmbeddedValkey) -> None:
    frail.stop()
    with tracking(Address.parse(frail.url)) as line:
        assert not line.trust.holds()
        frail.start()
        until(line.trust.holds)


def test_a_server_that_refuses_to_track_leaves_the_cache_off_and_says_so_once(
    frail: EmbeddedValkey, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("features.line.REFUSED_PAUSE_S", 0.02)
    with Redis.from_url(frail.url) as client:
        write(client, 1)
        client.acl_setuser("default", enabled=True, nopass=True, commands=["-client|tracking"])
        with tracking(Address.parse(frail.url)) as line, caplog.at_level(logging.WARNING, "braid"):
            cache = followed(line)
            until(lambda: line.refused is not None)
            time.sleep(0.5)  # several attempts
            assert "NOPERM" in str(line.refused)
            assert not versions(cache)
            assert caplog.text.count("cannot track") == 1
            client.acl_setuser("default", enabled=True, nopass=True, commands=["+client|tracking"])
            until(is_warm(cache, 1))
            assert line.refused is None


def test_a_cache_that_nobody_holds_is_no_longer_followed(
    warm: tuple[NearCache, Tracking], client: Redis
) -> None:
    cache, line = warm
    others = [followed(line)]
    until(is_warm(others[0], 1))
    client.set(keys.item_row("7"), b"x")
    until(lambda: 7 not in versions(cache) and 7 not in versions(others[0]))
    assert len(line._followed()) == 2
    others.clear()
    until(lambda: line._followed() == [cache])


def test_without_its_thread_a_cache_is_not_trusted(
    warm: tuple[NearCache, Tracking],
) -> None:
    cache, line = warm
    line.stop()
    assert not versions(cache)
    line.follow(SHELF.cache(line.trust), SHELF.items)  # too late, and harmless
