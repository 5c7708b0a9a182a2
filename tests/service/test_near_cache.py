"""The near cache inside a running service: no round trip, and the last rows without a store."""

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from features import keys
from features.codec import encode_rows, fingerprints
from features.schema import Schema
from ranking.artifact import read_store
from service.app import Service
from service.running import running
from service.settings import Settings
from tests.features.shelves import until
from tests.service.conftest import QUIET, Client, fill
from tests.stores import Store, calls, new_store, redis_of

# Without a user the context asks the store nothing.
WANTED = {"session": ["242"], "candidates": ["1", "50", "100", "181"], "limit": 4}


@pytest.fixture
def valkey(artifacts: Path) -> Iterator[Store]:
    """One that this test may kill."""
    with new_store() as valkey:
        fill(valkey, artifacts)
        yield valkey


@pytest.fixture
def settings(artifacts: Path, valkey: Store) -> Settings:
    return Settings(artifact=artifacts, redis=valkey.url, port=0, loops=2, fetch_budget_ms=5000)


@pytest.fixture
def warm(settings: Settings) -> Iterator[Service]:
    with running(settings, QUIET) as service:
        near = service.state.read().near
        until(lambda: near.used == near.slots, 20)
        yield service


def reads(valkey: Store) -> int:
    """Return how many MGETs the store has answered."""
    with redis_of(valkey.url) as client:
        return calls(client, "mget")


def metric(client: Client, name: str) -> float:
    found = re.search(rf"^{re.escape(name)} (\S+)$", client.get("/metrics").body.decode(), re.M)
    assert found is not None, name
    return float(found[1])


def scores(client: Client) -> dict[str, float]:
    items = client.post("/v1/rank", {**WANTED, "deadline_ms": 10_000}).json["items"]
    return {item["item_id"]: item["score"] for item in items}


def write_other_row(valkey: Store, artifacts: Path, item_id: str) -> None:
    """Give an item a row that no artifact has."""
    stored = read_store(next(artifacts.iterdir()))
    row = stored.item_rows[stored.item_ids.index(item_id)][None, :]
    schema = Schema.parse(stored.schemas["item"])
    (value,) = encode_rows(np.float32(1) - 3 * row, fingerprints([item_id]), schema)
    with redis_of(valkey.url) as client:
        client.set(keys.item_row(item_id), value)


def test_warm_rows_are_served_without_a_round_trip(warm: Service, valkey: Store) -> None:
    client = Client(warm.url)
    before = reads(valkey)
    for number in range(20):
        reply = client.recommend(user_id="196", limit=10, exclude=[str(number)], deadline_ms=10_000)
        assert reply.json["coverage"]["features"] == 1.0
    assert reads(valkey) == before
    assert metric(client, 'braid_near_cache_rows_total{outcome="hit"}') > 20 * 10
    assert metric(client, 'braid_near_cache_rows_total{outcome="miss"}') == 0
    assert metric(client, "braid_near_cache_trusted") == 1
    assert metric(client, "braid_near_cache_staleness_seconds") < 1
    client.close()


def test_in_process_cache_with_invalidation_ranks_by_a_written_row_at_once(
    warm: Service, valkey: Store, artifacts: Path
) -> None:
    client = Client(warm.url)
    old, before = scores(client), reads(valkey)
    write_other_row(valkey, artifacts, "50")
    until(lambda: scores(client)["50"] != old["50"], 5)
    assert reads(valkey) == before + 1
    new = scores(client)
    assert {item_id for item_id in old if old[item_id] != new[item_id]} == {"50"}
    assert metric(client, "braid_near_cache_invalidations_total") == 1
    client.close()


def test_without_its_store_the_service_ranks_by_the_rows_it_knew_last(
    warm: Service, valkey: Store, artifacts: Path
) -> None:
    client = Client(warm.url)
    artifacts_score = scores(client)["50"]
    write_other_row(valkey, artifacts, "50")
    until(lambda: scores(client)["50"] != artifacts_score, 5)
    known = scores(client)
    valkey.stop()
    until(lambda: metric(client, "braid_near_cache_trusted") == 0, 5)
    reply = client.post("/v1/rank", {**WANTED, "deadline_ms": 10_000})
    assert {part["stage"] for part in reply.json["degraded"]} == {"features"}
    assert reply.json["coverage"]["features"] == 0.0
    assert scores(client) == known
    client.close()


def test_online_feature_store_on_redis_is_asked_in_one_batched_read_per_request(
    settings: Settings, valkey: Store
) -> None:
    with running(replace(settings, near_cache_mib=0), QUIET) as service:
        client = Client(service.url)
        before = reads(valkey)
        for _ in range(5):
            assert client.recommend(user_id="196", deadline_ms=10_000).json["degraded"] == []
        assert reads(valkey) == before + 5
        assert metric(client, "braid_near_cache_trusted") == 0
        client.close()
