"""The store against a real server: what is read, what is refused, and what is counted once."""

import asyncio
import random
from collections.abc import AsyncIterator, Awaitable, Sequence
from contextlib import asynccontextmanager

import numpy as np
import pytest
from redis import Redis

from features import keys
from features.address import Address
from features.bulk import write_items, write_users
from features.codec import encode_rows, fingerprints
from features.errors import CommandRefused, StoreUnavailable
from features.events import Event
from features.history import history_entry
from features.item_table import ItemTable
from features.store import FeatureStore
from features.types import Items
from tests.features.loops import Loop
from tests.features.schemas import ITEM, USER, draw
from tests.stores import Store, redis_of

IDS = [f"item-{number}" for number in range(500)]
ROWS = draw(ITEM, len(IDS))
TABLE = ItemTable(IDS, ITEM)
CAP = 5
PATIENT_S = 30.0


def ordinals(*items: int) -> Items:
    return np.array(items, np.int64)


@asynccontextmanager
async def opened(
    address: Address, budget_s: float = PATIENT_S, history_cap: int = CAP
) -> AsyncIterator[FeatureStore]:
    store = FeatureStore(address, budget_s, history_cap)
    await store.open()
    try:
        yield store
    finally:
        await store.close()


@pytest.fixture
def filled(client: Redis) -> Redis:
    """Item rows, but for every tenth item's."""
    kept = [place for place in range(len(IDS)) if place % 10]
    write_items(client, [IDS[place] for place in kept], ROWS[kept], ITEM, lambda _: None)
    return client


def expected(items: Items) -> tuple[list[list[float]], list[bool]]:
    present = items % 10 != 0
    return np.where(present[:, None], ROWS[items], ITEM.default_row).tolist(), present.tolist()


def test_items_come_in_the_order_asked_with_defaults_where_none_is_stored(
    address: Address, filled: Redis, run: Loop
) -> None:
    async def main() -> None:
        async with opened(address) as store:
            for items in (
                ordinals(7, 3, 499, 1),
                ordinals(3, 10, 4),
                ordinals(0),
                ordinals(5, 5, 20, 20, 5),
                np.random.default_rng(1).permutation(len(IDS)).astype(np.int64),
            ):
                rows, present = await store.read_items(TABLE, items, PATIENT_S)
                assert (rows.tolist(), present.tolist()) == expected(items)
                assert rows.dtype == np.float32
                assert rows.flags.c_contiguous

    run(main())


def test_no_items_cost_no_round_trip(address: Address, run: Loop) -> None:
    async def main() -> None:
        store = FeatureStore(address, PATIENT_S, CAP)  # not opened: a round trip would fail
        rows, present = await store.read_items(TABLE, ordinals(), PATIENT_S)
        assert (rows.shape, present.shape) == ((0, ITEM.width), (0,))

    run(main())


def test_a_key_of_another_type_or_another_items_row_is_a_missing_row(
    address: Address, filled: Redis, run: Loop
) -> None:
    filled.delete(keys.item_row(IDS[1]))
    filled.rpush(keys.item_row(IDS[1]), "a list")
    filled.set(keys.item_row(IDS[2]), encode_rows(ROWS[3:4], fingerprints([IDS[3]]), ITEM)[0])

    async def main() -> None:
        async with opened(address) as store:
            rows, present = await store.read_items(TABLE, ordinals(1, 2, 3), PATIENT_S)
            assert present.tolist() == [False, False, True]
            assert rows[1].tolist() == ITEM.default_row.tolist()

    run(main())


def test_a_user_has_a_row_and_a_history(address: Address, client: Redis, run: Loop) -> None:
    write_users(client, ["ann"], np.array([[42, 1]], np.float32), USER, lambda _: None)
    entries = [history_entry("b", "view", 20), history_entry("a", "view", 10)]
    client.rpush(keys.user_history("ann"), *entries)

    async def main() -> None:
        async with opened(address) as store:
            ann = await store.read_user("ann", USER, PATIENT_S)
            assert (ann.row.tolist(), ann.known, ann.history) == ([42, 1], True, ["b", "a"])
            bob = await store.read_user("bob", USER, PATIENT_S)
            assert (bob.row.tolist(), bob.known, bob.history) == ([30, 0], False, [])

    run(main())


def test_a_user_without_a_row_still_has_a_history(
    address: Address, client: Redis, run: Loop
) -> None:
    async def main() -> None:
        async with opened(address) as store:
            await store.append_events([Event("new", "a", "view", 10)])
            new = await store.read_user("new", USER, PATIENT_S)
            assert (new.known, new.history) == (False, ["a"])

    run(main())


def append(address: Address, run: Loop, *batches: Sequence[Event]) -> tuple[list[int], list[str]]:
    """Append the batches; return what each counted as new, and ann's history thereafter."""

    async def main() -> tuple[list[int], list[str]]:
        async with opened(address) as store:
            stored = [await store.append_events(batch) for batch in batches]
            return stored, (await store.read_user("ann", USER, PATIENT_S)).history

    return run(main())


def test_events_are_read_back_latest_first_however_late_they_came(
    address: Address, run: Loop
) -> None:
    stored, history = append(
        address,
        run,
        [Event("ann", "b", "view", 20), Event("ann", "d", "view", 40)],
        [Event("ann", "a", "view", 10), Event("ann", "c", "click", 30)],
    )
    assert (stored, history) == ([2, 2], ["d", "c", "b", "a"])


def test_a_repeated_event_id_counts_once_within_a_batch_and_across(
    address: Address, run: Loop
) -> None:
    once = Event("ann", "a", "click", 10, "e-1")
    stored, history = append(
        address, run, [once, once, Event("ann", "b", "view", 20)], [once], [once, once]
    )
    assert (stored, history) == ([2, 0, 0], ["b", "a"])


def test_events_without_an_id_count_each_time(address: Address, run: Loop) -> None:
    again = Event("ann", "a", "click", 10)
    assert append(address, run, [again, again], [again]) == ([2, 1], ["a", "a", "a"])


def test_the_same_event_id_of_another_user_is_another_event(address: Address, run: Loop) -> None:
    events = [Event(user, "a", "click", 10, "e-1") for user in ("ann", "bob", "cid")]
    assert append(address, run, events) == ([3], ["a"])


def test_a_history_is_never_longer_than_its_cap(address: Address, client: Redis, run: Loop) -> None:
    events = [Event("ann", str(number), "view", number) for number in range(3 * CAP)]
    stored, history = append(address, run, events[:-1], events[-1:])
    assert (stored, history) == ([3 * CAP - 1, 1], ["14", "13", "12", "11", "10"])
    assert client.llen(keys.user_history("ann")) == CAP


def test_of_a_history_longer_than_its_cap_the_latest_are_read(
    address: Address, client: Redis, run: Loop
) -> None:
    # As another service with a larger cap would leave it.
    entries = [history_entry(str(number), "view", number) for number in range(3 * CAP)]
    client.lpush(keys.user_history("ann"), *entries)

    async def main() -> list[str]:
        async with opened(address) as store:
            return (await store.read_user("ann", USER, PATIENT_S)).history

    assert run(main()) == ["14", "13", "12", "11", "10"]


def test_what_remembers_an_event_id_is_forgotten_in_a_day(
    address: Address, client: Redis, run: Loop
) -> None:
    append(address, run, [Event("ann", "a", "click", 10, "e-1")])
    lifetime = client.ttl(keys.user_event("ann", "e-1"))
    assert 23 * 3600 < lifetime <= 24 * 3600


def test_ids_may_hold_any_characters(address: Address, run: Loop) -> None:
    odd = 'x:y}{z\r\n$5 \N{SNOWMAN}"'
    events = [Event("ann", odd, "view", 10, odd), Event(odd, "a", "view", 10, odd)]
    assert append(address, run, events, events) == ([2, 0], [odd])


def test_many_writers_at_once_lose_nothing_and_count_each_event_once(
    address: Address, run: Loop
) -> None:
    events = [Event(f"u{n % 7}", f"i{n}", "view", n, f"e{n // 2}") for n in range(400)]

    async def main() -> int:
        async with opened(address) as first, opened(address) as second:
            halves = (events[::3] + events[1::3], events[1::3] + events[2::3])
            counts = await asyncio.gather(
                *(
                    store.append_events([event])
                    for store, half in zip((first, second), halves, strict=True)
                    for event in half
                )
            )
            return sum(counts)

    distinct = {(event.user_id, event.event_id) for event in events}
    assert run(main()) == len(distinct)


@pytest.mark.parametrize("seed", range(2))
def test_thousands_of_reads_cancelled_at_random_leave_every_other_read_its_own_rows(
    address: Address, filled: Redis, run: Loop, seed: int
) -> None:
    rng = random.Random(seed)

    async def ask(store: FeatureStore) -> None:
        items = np.array(rng.sample(range(len(IDS)), rng.choice([1, 2, 9, 10, 100])), np.int64)
        rows, present = await store.read_items(TABLE, items, PATIENT_S)
        assert (rows.tolist(), present.tolist()) == expected(items)

    async def main() -> tuple[int, int]:
        async with opened(address) as store:
            tasks = []
            for _ in range(2000):
                tasks.append(asyncio.create_task(ask(store)))
                for _ in range(rng.randrange(4)):
                    await asyncio.sleep(0)
                if rng.random() < 0.6:
                    rng.choice(tasks[-4:]).cancel()
            ended = await asyncio.gather(*tasks, return_exceptions=True)
            assert store.connected
            for outcome in ended:
                if outcome is not None and not isinstance(outcome, asyncio.CancelledError):
                    raise outcome
            cancelled = sum(task.cancelled() for task in tasks)
            return len(tasks) - cancelled, cancelled

    survived, cancelled = run(main())
    assert min(survived, cancelled) > 100


async def refusal(answer: Awaitable[object]) -> CommandRefused:
    with pytest.raises(CommandRefused) as caught:
        await answer
    assert caught.value.reason == "store_refused"
    return caught.value


def test_a_replica_serves_reads_and_refuses_events(frail: Store, run: Loop) -> None:
    async def main() -> None:
        with redis_of(frail.url) as client:
            write_items(client, IDS[:3], ROWS[:3], ITEM, lambda _: None)
            client.replicaof("127.0.0.1", "1")
            async with opened(Address.parse(frail.url)) as store:
                rows, _ = await store.read_items(TABLE, ordinals(0, 1, 2), PATIENT_S)
                assert rows.tobytes() == ROWS[:3].tobytes()
                refused = await refusal(store.append_events([Event("ann", "a", "view", 1)]))
                assert "READONLY" in str(refused)

    run(main())


def test_a_refusal_for_one_user_is_not_taken_for_another_server(
    address: Address, client: Redis, run: Loop
) -> None:
    client.set(keys.user_history("bad"), "no list")

    async def main() -> None:
        async with opened(address) as store:
            connections = len(client.client_list())
            await refusal(store.append_events([Event("bad", "a", "view", 1)]))
            assert not (await store.read_user("bob", USER, PATIENT_S)).known
            assert len(client.client_list()) == connections

    run(main())


def test_a_refusal_for_one_user_leaves_the_other_users_replies_in_place(
    address: Address, client: Redis, run: Loop
) -> None:
    client.set(keys.user_history("bad"), "no list")

    async def main() -> None:
        async with opened(address) as store:
            events = [Event(user, "a", "view", 1) for user in ("ann", "bad", "bob")]
            refused, ann = await asyncio.gather(
                refusal(store.append_events(events)), store.read_user("ann", USER, PATIENT_S)
            )
            assert "WRONGTYPE" in str(refused)
            assert ann.history == ["a"]

    run(main())


def test_a_user_whose_history_is_no_list_is_refused_alone(
    address: Address, client: Redis, run: Loop
) -> None:
    client.set(keys.user_history("bad"), "no list")

    async def main() -> None:
        async with opened(address) as store:
            refused, bob = await asyncio.gather(
                refusal(store.read_user("bad", USER, PATIENT_S)),
                store.read_user("bob", USER, PATIENT_S),
            )
            assert "WRONGTYPE" in str(refused)
            assert not bob.known

    run(main())


def test_a_deadline_that_has_passed_is_a_timeout_that_keeps_the_connection(
    address: Address, client: Redis, run: Loop
) -> None:
    async def main() -> None:
        async with opened(address) as store:
            with pytest.raises(StoreUnavailable) as caught:
                await store.read_user("ann", USER, 0)
            assert caught.value.reason == "store_timeout"
            assert store.connected
            assert not (await store.read_user("ann", USER, PATIENT_S)).known

    run(main())
