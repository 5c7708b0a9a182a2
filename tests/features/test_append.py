"""The atomic step: what it counts, how often, and that nobody ever sees half of it."""

import asyncio
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec
import pytest
from redis import Redis, RedisError, ResponseError

from features import keys
from features.address import Address
from features.append import SHOWN_LIFETIME_S
from features.errors import CommandRefused
from features.events import BUCKET_MS, TYPES, Event
from features.store import SHOWN_CAP
from service.embedded import EmbeddedValkey, server_program
from service.live.feed import Feed
from tests.features.loops import Loop
from tests.features.schemas import USER
from tests.features.shelves import until
from tests.features.test_failover import free_port
from tests.features.test_store import PATIENT_S, opened
from tests.stores import redis_of

HOUR_MS = 3_600_000


def now() -> int:
    return time.time_ns() // 1_000_000


def append(address: Address, *batches: Sequence[Event]) -> list[int]:
    async def main() -> list[int]:
        async with opened(address) as store:
            return [await store.append_events(batch) for batch in batches]

    return asyncio.run(main())


def counts_of(client: Redis, user_id: str, bucket: int) -> dict[bytes, bytes]:
    found: Any = client.hgetall(keys.counts(keys.partition(user_id), bucket))
    return dict(found)


def stream_of(client: Redis, user_id: str) -> list[Any]:
    found: Any = client.xrange(keys.events(keys.partition(user_id)))
    return [msgspec.json.decode(fields[b"event"]) for _, fields in found]


def test_one_step_writes_history_counts_and_stream(address: Address, client: Redis) -> None:
    at = now()
    events = [
        Event("ann", "a", "click", at, "e-1", request_id="r-1"),
        Event("ann", "b", "rating", at, "e-2", value=4.5),
        Event("ann", "c", "custom", at, weight=0.5, name="shared"),
    ]
    assert append(address, events) == [3]
    assert client.llen(keys.user_history("ann")) == 3
    bucket = at // BUCKET_MS
    assert counts_of(client, "ann", bucket) == {
        b"ca": b"1",
        b"wa": b"2000",
        b"wb": b"2000",
        b"wc": b"500",
    }
    ids = {"user_id": "ann", "timestamp_ms": at}
    assert [one["event"] for one in stream_of(client, "ann")] == [
        ids | {"item_id": "a", "type": "click", "event_id": "e-1", "request_id": "r-1"},
        ids | {"item_id": "b", "type": "rating", "event_id": "e-2", "value": 4.5},
        ids | {"item_id": "c", "type": "custom", "weight": 0.5, "name": "shared"},
    ]


def test_impressions_go_into_a_list_of_their_own(
    address: Address, client: Redis, run: Loop
) -> None:
    at = now()
    append(address, [Event("ann", "a", "impression", at), Event("ann", "b", "click", at + 1)])

    async def main() -> None:
        async with opened(address) as store:
            ann = await store.read_user("ann", USER, PATIENT_S, shown_cap=10)
            assert (ann.history, ann.times_ms.tolist()) == (["b"], [at + 1])
            assert (ann.shown, ann.shown_times_ms.tolist()) == (["a"], [at])
            assert (await store.read_user("ann", USER, PATIENT_S)).shown == []

    run(main())
    assert 0 < client.ttl(keys.user_shown("ann")) <= SHOWN_LIFETIME_S
    assert client.ttl(keys.user_history("ann")) == -1


def test_what_was_shown_is_capped(address: Address, client: Redis) -> None:
    at = now()
    batch = [Event("ann", f"i{n}", "impression", at + n) for n in range(SHOWN_CAP + 50)]
    assert append(address, batch) == [SHOWN_CAP + 50]
    assert client.llen(keys.user_shown("ann")) == SHOWN_CAP


def test_a_dislike_excludes_its_item_and_is_no_taste(address: Address, run: Loop) -> None:
    at = now()
    clicks = [Event("ann", item, "click", at) for item in "ab"]
    append(address, [*clicks, Event("ann", "a", "dislike", at + 1)])

    async def main() -> None:
        async with opened(address) as store:
            ann = await store.read_user("ann", USER, PATIENT_S)
            assert (ann.history, ann.disliked) == (["b"], ["a"])

    run(main())


def test_a_late_event_is_remembered_and_not_counted(address: Address, client: Redis) -> None:
    late = now() - 25 * HOUR_MS
    assert append(address, [Event("ann", "a", "click", late)]) == [1]
    assert client.llen(keys.user_history("ann")) == 1
    [entry] = stream_of(client, "ann")
    assert "bucket" not in entry
    assert client.keys("braid:counts:*") == []


def test_a_timestamp_of_the_future_becomes_the_arrivals(address: Address, client: Redis) -> None:
    before = now()
    append(address, [Event("ann", "a", "click", before + 24 * HOUR_MS)])
    [entry] = stream_of(client, "ann")
    assert before <= entry["event"]["timestamp_ms"] <= now()
    assert entry["bucket"] * BUCKET_MS <= now()


def test_a_little_ahead_stays_as_it_was_said_but_counts_now(
    address: Address, client: Redis
) -> None:
    soon = now() + 200_000
    append(address, [Event("ann", "a", "click", soon)])
    [entry] = stream_of(client, "ann")
    assert entry["event"]["timestamp_ms"] == soon
    assert entry["bucket"] * BUCKET_MS <= now()


def test_counts_are_forgotten_after_the_day_they_are_counted_for(
    address: Address, client: Redis
) -> None:
    at = now()
    append(address, [Event("ann", "a", "click", at)])
    name = keys.counts(keys.partition("ann"), at // BUCKET_MS)
    assert 24 * 3600 < client.ttl(name) <= 25 * 3600


def test_a_repeat_changes_nothing_at_all(address: Address, client: Redis) -> None:
    batch = [
        Event("ann", "a", "click", now(), "e-1"),
        Event("bob", "b", "impression", now(), "e-1"),
    ]
    append(address, batch)
    names: Any = list(client.scan_iter())
    before = {name: client.dump(name) for name in names}
    assert append(address, batch, batch[::-1]) == [0, 0]
    assert {name: client.dump(name) for name in names} == before
    assert client.dbsize() == len(names)


def kinds_of_keys(user_id: str) -> list[str]:
    number = keys.partition(user_id)
    return [
        keys.user_history(user_id),
        keys.user_shown(user_id),
        keys.events(number),
        keys.serial(number),
        keys.counts(number, now() // BUCKET_MS),
    ]


@pytest.mark.parametrize("place", range(5))
def test_a_refused_step_has_written_nothing_so_that_a_repeat_still_counts(
    address: Address, client: Redis, place: int
) -> None:
    spoilt = kinds_of_keys("ann")[place]
    client.geoadd(spoilt, (0, 0, "neither list nor hash nor stream nor string"))
    event = Event("ann", "a", "click", now(), "e-1")
    with pytest.raises(CommandRefused):
        append(address, [event])
    assert list(client.scan_iter()) == [spoilt.encode()]
    client.delete(spoilt)
    assert append(address, [event]) == [1]


def test_events_are_stored_after_the_server_has_forgotten_its_scripts(
    address: Address, client: Redis, run: Loop
) -> None:
    async def main() -> None:
        async with opened(address) as store:
            for _ in range(3):
                users = [Event(user, "a", "click", now()) for user in ("ann", "bob", "cid")]
                assert await store.append_events(users) == 3
                client.script_flush()

    run(main())


def test_the_step_is_one_slots_in_cluster_mode(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, program: str
) -> None:
    """A node that owns every slot still refuses a script whose keys are of several."""
    node = tmp_path / "node"
    words = f'"{server_program()}" --cluster-enabled yes --cluster-port {free_port()}'
    node.write_text(f'#!/bin/sh\nexec {words} "$@"\n')
    node.chmod(0o700)
    monkeypatch.setenv("BRAID_VALKEY", str(node))
    port = free_port()
    with EmbeddedValkey(port) as valkey, redis_of(valkey.url) as client:
        client.execute_command("CLUSTER", "ADDSLOTSRANGE", 0, 16383)
        until(lambda: serves(client))
        with pytest.raises(ResponseError, match="same slot"):
            client.mget("{p00}", "{p01}")
        users = [f"u{number}" for number in range(100)]
        for kind in TYPES:
            value = 1.0 if kind == "rating" else None
            batch = [Event(user, "a", kind, now(), f"e-{kind}", None, value) for user in users]
            assert append(Address.parse(valkey.url), batch, batch) == [100, 0]
        tally = Feed(client).load(now() // BUCKET_MS).tally()
        assert (tally.impressions[0].tolist(), tally.clicks[0].tolist()) == ([100], [100])


def serves(client: Redis) -> bool:
    """Tell whether a node of a cluster has noticed that it owns every slot."""
    try:
        return client.exists("anything") == 0
    except RedisError:
        return False


def test_no_events_are_no_round_trip(run: Loop) -> None:
    async def main() -> None:
        store = opened(Address.parse("redis://127.0.0.1:1"))
        async with store as unreachable:
            assert await unreachable.append_events([]) == 0

    run(main())


def test_a_reader_never_sees_a_history_without_its_count_or_its_event(
    address: Address, client: Redis
) -> None:
    bucket, ended, faults = now() // BUCKET_MS, threading.Event(), list[str]()
    number, names = keys.partition("ann"), kinds_of_keys("ann")

    def look() -> None:
        with redis_of(address.url) as mine:
            while not ended.is_set():
                with mine.pipeline(transaction=True) as step:
                    step.llen(names[0]).xlen(names[2]).get(names[3])
                    step.hget(keys.counts(number, bucket), "ca")
                    found = [int(value or 0) for value in step.execute()]
                if len(set(found)) != 1:
                    faults.append(str(found))

    readers = [threading.Thread(target=look) for _ in range(3)]
    for reader in readers:
        reader.start()

    async def write() -> None:
        async with opened(address, history_cap=1000) as store:
            # On a busy machine the first attempt may be too slow.
            await asyncio.to_thread(until, lambda: set(store.breakers().values()) == {"closed"})
            for turn in range(100):
                group = [
                    Event("ann", "a", "click", bucket * BUCKET_MS) for _ in range(turn % 7 + 1)
                ]
                await store.append_events(group)

    try:
        asyncio.run(write())
    finally:
        ended.set()
        for reader in readers:
            reader.join()
    assert faults == []
    assert client.llen(names[0]) == sum(turn % 7 + 1 for turn in range(100))
