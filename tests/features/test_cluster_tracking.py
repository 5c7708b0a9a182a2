"""Invalidations from every master of a real cluster, whoever is one."""

from collections.abc import Callable, Iterator

import pytest
from redis import RedisCluster

from features import keys
from features.address import Address
from features.near_cache import NearCache
from features.tracking import Tracking
from tests.features.cluster import LocalCluster
from tests.features.dropped import UNCLOSED
from tests.features.shelves import until
from tests.features.test_tracking import SHELF, followed, is_warm, tracking, versions, write

pytestmark = UNCLOSED


@pytest.fixture
def cluster(program: str) -> Iterator[LocalCluster]:
    with LocalCluster(3, 1) as cluster:
        yield cluster


@pytest.fixture
def client(cluster: LocalCluster) -> Iterator[RedisCluster]:
    with cluster.client() as client:
        yield client


@pytest.fixture
def warm(cluster: LocalCluster, client: RedisCluster) -> Iterator[tuple[NearCache, Tracking]]:
    write(client, 1)
    with tracking(Address.parse(cluster.url)) as line:
        cache = followed(line)
        # Rows are read ahead once, within a second, which six new nodes on a busy machine may miss.
        until(is_warm_again(cache, line))
        yield cache, line


def test_a_row_that_changes_on_any_node_is_forgotten(
    warm: tuple[NearCache, Tracking], client: RedisCluster
) -> None:
    cache, line = warm
    flushes = line.flushes
    for item in range(50):
        client.set(keys.item_row(str(item)), b"another")
        # On a busy machine there may be a moment of doubt, when nothing is served at all.
        until(lambda: set(versions(cache)) == set(range(item + 1, 50)))  # noqa: B023
    assert line.flushes == flushes


def test_a_row_whose_slot_moves_is_forgotten_wherever_it_is_written(
    warm: tuple[NearCache, Tracking], cluster: LocalCluster, client: RedisCluster
) -> None:
    cache, line = warm
    slot = keys.SLOTS[keys.partition("7")]
    for target in (cluster.nodes[1], cluster.nodes[2]):
        cluster.move([slot], target)
        write(client, 1)
        until(is_warm_again(cache, line))
        client.set(keys.item_row("7"), b"another")
        until(lambda: 7 not in versions(cache))
        client.delete(keys.item_row("7"))


def is_warm_again(cache: NearCache, line: Tracking) -> Callable[[], bool]:
    def again() -> bool:
        line._cold.set() if line._loop is None else line._loop.call_soon_threadsafe(line._cold.set)
        return is_warm(cache, 1)()

    return again


def test_a_dead_master_is_doubted_until_its_replica_is_heard(
    warm: tuple[NearCache, Tracking], cluster: LocalCluster
) -> None:
    cache, line = warm
    lost = cluster.owner(keys.SLOTS[keys.partition("7")])
    flushes = line.flushes
    cluster.kill(lost)
    until(lambda: not line.trust.holds())
    assert not versions(cache)
    # What was known last still stands in.
    assert not len(cache.recall(SHELF.items).missed)
    until(lambda: cluster.owner(keys.SLOTS[keys.partition("7")]) is not lost)
    until(is_warm_again(cache, line))  # the first look may come before all nodes are reached
    assert line.flushes > flushes


def test_a_new_master_is_heard_before_it_has_a_slot(
    warm: tuple[NearCache, Tracking], cluster: LocalCluster
) -> None:
    cache, line = warm
    fresh = cluster.add()
    until(lambda: ("127.0.0.1", fresh.port) in line._lines and line.trust.holds())
    slot = keys.SLOTS[keys.partition("7")]
    cluster.move([slot], fresh)
    until(is_warm_again(cache, line))
    fresh.client.set(keys.item_row("7"), b"another")
    until(lambda: 7 not in versions(cache))


def test_while_nodes_disagree_on_who_is_a_master_rows_are_kept(program: str) -> None:
    # As patient as in production: the word that a node has become a replica takes seconds.
    with LocalCluster(3, gone_after_ms=10_000) as cluster, cluster.client() as client:
        node = cluster.add()
        write(client, 1)
        with tracking(Address.parse(cluster.url)) as line:
            cache = followed(line)
            until(is_warm(cache, 1))
            before = line.flushes
            node.ask("CLUSTER", "REPLICATE", cluster.nodes[0].node_id)
            until(lambda: len(line._lines) == 3)
            assert cluster.is_whole(), "all have heard"
            until(is_warm(cache, 1))
            assert line.flushes <= before + 1, "it says that it empties itself before it follows"
