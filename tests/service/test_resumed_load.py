"""A load that is killed: the next one ends it, and nothing is lost or there twice."""

import subprocess
import sys
from collections.abc import Iterator
from time import monotonic, sleep
from typing import Any

import pytest

from features import keys
from features.codec import encode_rows, fingerprints
from features.schema import Schema
from service.embedded import EmbeddedValkey
from service.load import load
from tests.faults.proxy import Proxy
from tests.faults.toxics import Toxics
from tests.features.cluster import LocalCluster
from tests.service.resumed_load import LENGTH, NAME, USERS, world
from tests.stores import redis_of


@pytest.fixture(params=["one server", "a cluster"])
def url(request: pytest.FixtureRequest) -> Iterator[str]:
    if request.param == "one server":
        with EmbeddedValkey() as valkey:
            yield valkey.url
    else:
        with LocalCluster(masters=3) as cluster:
            yield cluster.url


def marked(client: Any) -> list[int]:
    return [part for part in range(keys.PARTITIONS) if client.exists(keys.loaded(part))]


def check_whole(client: Any) -> None:
    """Hold what is stored to the artifact: every row, every history once, no mark left."""
    stored, schema = world(), Schema.parse(world().schemas["item"])
    rows = encode_rows(stored.item_rows, fingerprints(stored.item_ids), schema)
    found = [client.get(keys.item_row(item)) for item in stored.item_ids]
    assert found == rows
    lengths = {client.llen(keys.user_history(user)) for user in stored.user_ids}
    assert lengths == {LENGTH}
    assert all(client.exists(keys.user_row(user)) for user in stored.user_ids)
    assert marked(client) == []


@pytest.mark.slow
def test_a_load_that_was_killed_is_ended_by_the_next() -> None:
    with EmbeddedValkey() as valkey, Proxy(valkey.url) as proxy, redis_of(valkey.url) as client:
        proxy.downstream = Toxics(latency=30)  # time enough to kill it half way
        words = [sys.executable, "-m", "tests.service.resumed_load", proxy.url]
        with subprocess.Popen(words) as loader:
            give_up = monotonic() + 120
            while len(marked(client)) < 8:
                assert loader.poll() is None
                assert monotonic() < give_up
                sleep(0.005)
            loader.kill()
        done = marked(client)
        assert 8 <= len(done) < keys.PARTITIONS
        rows = list(client.scan_iter("braid:user:*"))
        assert 0 < len(rows) < USERS  # some of the rest may have been half written
        before = int(client.info("commandstats")["cmdstat_mset"]["calls"])
        load(client, world(), 100, lambda *_: None, NAME)
        written = int(client.info("commandstats")["cmdstat_mset"]["calls"]) - before
        assert written == 2 * (keys.PARTITIONS - len(done))  # items and users of what was not done
        check_whole(client)


def test_several_threads_load_everything_once(url: str) -> None:
    with redis_of(url) as client:
        load(client, world(), 100, lambda *_: None, NAME)
        check_whole(client)


def test_another_artifact_is_loaded_whole_over_one_that_was_begun() -> None:
    with EmbeddedValkey() as valkey, redis_of(valkey.url) as client:
        for part in range(keys.PARTITIONS // 2):
            client.set(keys.loaded(part), "another")
        load(client, world(), 100, lambda *_: None, NAME)
        check_whole(client)
