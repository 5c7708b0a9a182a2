"""A real cluster: rows and users of all nodes, and what happens while slots move or a node dies."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator

import numpy as np
import pytest

from features import keys
from features.address import Address
from features.bulk import write_items, write_users
from features.errors import PartlyRead, StoreUnavailable
from features.events import Event
from features.item_table import ItemTable
from features.resp import command
from features.types import Items
from tests.features.cluster import LocalCluster
from tests.features.dropped import UNCLOSED
from tests.features.loops import Loop
from tests.features.schemas import ITEM, USER, draw
from tests.features.test_store import PATIENT_S, opened

pytestmark = UNCLOSED

IDS = [f"item-{number}" for number in range(600)]
ROWS = draw(ITEM, len(IDS))
TABLE = ItemTable(IDS, ITEM)
ALL: Items = np.arange(len(IDS))
USERS = [f"user-{number}" for number in range(40)]
AGES = draw(USER, len(USERS))


@pytest.fixture
def run() -> Loop:
    """One loop will do: these tests are about the cluster."""
    return Loop("uvloop")


@pytest.fixture(scope="module")
def cluster(program: str) -> Iterator[LocalCluster]:
    with LocalCluster(3) as cluster:
        yield cluster


@pytest.fixture
def filled(cluster: LocalCluster) -> LocalCluster:
    for node in cluster.nodes:
        node.client.flushall()
    fill(cluster)
    return cluster


def fill(cluster: LocalCluster) -> None:
    with cluster.client() as client:
        write_items(client, IDS, ROWS, ITEM, lambda _: None)
        write_users(client, USERS, AGES, USER, lambda _: None)


@pytest.fixture
def frail_cluster(program: str) -> Iterator[LocalCluster]:
    """A cluster of the test's own, with replicas, to kill nodes of."""
    with LocalCluster(3, 1) as cluster:
        fill(cluster)
        yield cluster


def address(cluster: LocalCluster) -> Address:
    return Address.parse(cluster.url)


async def at_last[T](ask: Callable[[], Awaitable[T]], within_s: float = 20.0) -> T:
    async with asyncio.timeout(within_s):
        while True:
            try:
                return await ask()
            except StoreUnavailable:
                await asyncio.sleep(0.01)


async def at_worst(ask: Callable[[], Awaitable[object]]) -> StoreUnavailable:
    while True:
        try:
            await ask()
        except StoreUnavailable as fault:
            return fault


def test_rows_of_all_nodes_come_in_the_order_asked(filled: LocalCluster, run: Loop) -> None:
    async def main() -> None:
        async with opened(address(filled)) as store:
            for items in (
                ALL,
                ALL[::-1],
                np.array([5, 5, 7, 5]),
                np.random.default_rng(1).permutation(ALL),
            ):
                rows, present = await store.read_items(TABLE, items, PATIENT_S)
                assert rows.tobytes() == ROWS[items].tobytes()
                assert present.all()
            assert len(store.breakers()) == 3
            assert set(store.breakers().values()) == {"closed"}

    run(main())


def test_users_of_all_nodes_are_read_and_their_events_counted_once(
    filled: LocalCluster, run: Loop
) -> None:
    async def main() -> None:
        async with opened(address(filled)) as store:
            events = [Event(user, f"i{n}", "view", n, f"{n}") for n in (1, 2) for user in USERS]
            assert await store.append_events(events) == 80
            assert await store.append_events(events) == 0
            users = await store.read_users(USERS, USER, PATIENT_S, 5)
            assert [user.history for user in users] == [["i2", "i1"]] * len(USERS)
            assert [user.row.tolist() for user in users] == AGES.tolist()

    run(main())


def test_logs_reach_the_node_of_their_key(filled: LocalCluster, run: Loop) -> None:
    async def main() -> None:
        async with opened(address(filled)) as store:
            names = [keys.served(number) for number in range(keys.PARTITIONS)]
            assert await store.append([command("XADD", name, "*", "a", "b") for name in names])

    run(main())
    with filled.client() as client:
        assert [client.xlen(keys.served(number)) for number in range(keys.PARTITIONS)] == [1] * 64


def test_a_moved_slot_costs_one_redirect_and_then_none(filled: LocalCluster, run: Loop) -> None:
    slot = keys.SLOTS[keys.partition(IDS[0])]

    async def main() -> None:
        async with opened(address(filled)) as store:
            for target in (filled.nodes[1], filled.nodes[2], filled.nodes[0]):
                before = store.counts.redirects
                await asyncio.to_thread(filled.move, [slot], target)
                rows, _ = await store.read_items(TABLE, ALL, PATIENT_S)
                assert rows.tobytes() == ROWS.tobytes()
                assert store.counts.redirects - before <= 1
                assert await store.append_events([Event(USERS[0], "i", "view", 1)]) == 1
                settled = store.counts.redirects
                for _ in range(10):
                    rows, _ = await store.read_items(TABLE, ALL, PATIENT_S)
                assert store.counts.redirects == settled

    run(main())


def test_a_slot_on_its_way_gives_every_row_and_no_wrong_one(
    filled: LocalCluster, run: Loop
) -> None:
    """Rows here, rows there, rows nowhere: TRYAGAIN, ASK and nil."""
    slots = sorted({keys.SLOTS[keys.partition(one)] for one in IDS})[:6]
    gone = next(
        item for item in range(len(IDS)) if keys.SLOTS[keys.partition(IDS[item])] == slots[0]
    )
    with filled.client() as client:
        client.delete(keys.item_row(IDS[gone]))
    expected = ROWS.copy()
    expected[gone] = ITEM.default_row

    async def main() -> None:
        loop = asyncio.get_running_loop()
        async with opened(address(filled)) as store:

            async def check() -> None:
                rows, present = await store.read_items(TABLE, ALL, PATIENT_S)
                assert rows.tobytes() == expected.tobytes()
                assert np.flatnonzero(~present).tolist() == [gone]
                users = await store.read_users(USERS, USER, PATIENT_S)
                assert [user.row.tolist() for user in users] == AGES.tolist()

            def between() -> None:
                asyncio.run_coroutine_threadsafe(check(), loop).result()

            for target in (filled.nodes[1], filled.nodes[0]):
                await asyncio.to_thread(filled.move, slots, target, between)
            assert store.counts.redirects > 0

    run(main())


def test_what_a_dead_node_had_is_missing_and_the_rest_is_served(
    frail_cluster: LocalCluster, run: Loop
) -> None:
    lost = frail_cluster.nodes[0]
    mine = np.array(
        [frail_cluster.owner(keys.SLOTS[keys.partition(one)]) is not lost for one in IDS]
    )

    async def main() -> None:
        async with opened(address(frail_cluster)) as store:
            await store.read_items(TABLE, ALL, PATIENT_S)
            frail_cluster.kill(lost)
            fault = await at_worst(lambda: store.read_items(TABLE, ALL, PATIENT_S))
            assert isinstance(fault, PartlyRead)
            assert fault.reason == "store_down"
            assert fault.answered.tolist() == mine.tolist()
            assert fault.rows[mine].tobytes() == ROWS[mine].tobytes()
            # Its replica takes over, and is found.
            rows, present = await at_last(lambda: store.read_items(TABLE, ALL, PATIENT_S))
            assert rows.tobytes() == ROWS.tobytes()
            assert present.all()
            assert (
                await at_last(
                    lambda: store.append_events([Event(one, "i", "view", 1, "x") for one in USERS])
                )
                >= 0
            )
            for user in await store.read_users(USERS, USER, PATIENT_S):
                assert user.history == ["i"]

    run(main())


def test_a_node_that_is_taken_for_a_lone_server_is_told_with_the_remedy_once(
    filled: LocalCluster, run: Loop, caplog: pytest.LogCaptureFixture
) -> None:
    async def main() -> None:
        async with opened(Address.parse(f"redis://127.0.0.1:{filled.ports[0]}")) as store:
            for _ in range(3):
                with pytest.raises(StoreUnavailable, match="store_moved"):
                    await store.read_users(USERS, USER, PATIENT_S)

    with caplog.at_level("ERROR", "braid"):
        run(main())
    assert caplog.text.count("redis+cluster://") == 1


def test_a_cluster_that_comes_later_is_found(program: str, run: Loop) -> None:
    async def main() -> None:
        cluster = LocalCluster(3)
        ports = cluster.ports[:2]
        url = "redis+cluster://" + ",".join(f"127.0.0.1:{port}" for port in ports)
        async with opened(Address.parse(url)) as store:
            with pytest.raises(StoreUnavailable, match="store_down"):
                await store.read_items(TABLE, ALL, PATIENT_S)
            await asyncio.to_thread(cluster.__enter__)
            try:
                _, present = await at_last(lambda: store.read_items(TABLE, ALL, PATIENT_S))
                assert not present.any()
            finally:
                await asyncio.to_thread(cluster.__exit__, None, None, None)

    run(main())
