"""R13: feature rows cut short, of another schema version or owner, expired, or not there."""

import struct
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from redis import Redis

from features import keys
from ranking.artifact import read_store
from service.app import Service
from service.load import load
from service.running import running
from service.settings import Settings
from tests.faults.figures import Figures
from tests.faults.swapping import PATIENT
from tests.faults.test_r12_numbers import connected, metric
from tests.features.shelves import until
from tests.service.conftest import QUIET, Client
from tests.service.models import publish
from tests.stores import Store, new_store, redis_of

ITEMS = 60
EVERYTHING = [f"i{item}" for item in range(ITEMS)]
WANTED = {"session": ["i2", "i4"], "candidates": EVERYTHING, "limit": ITEMS}


@pytest.fixture(scope="module")
def artifact(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("models")
    return folder / publish(folder, world="one", items=ITEMS)


@pytest.fixture
def valkey() -> Iterator[Store]:
    with new_store() as valkey:
        yield valkey


@pytest.fixture
def store(artifact: Path, valkey: Store) -> Iterator[Redis]:
    with redis_of(valkey.url) as client:
        load(client, read_store(artifact), 1000, lambda *_: None)
        yield client


@pytest.fixture
def service(artifact: Path, store: Redis, valkey: Store) -> Iterator[Service]:
    settings = Settings(
        artifact=artifact, redis=valkey.url, port=0, loops=1, near_cache_mib=0, **PATIENT
    )
    with running(settings, QUIET) as service:
        yield service


@pytest.fixture
def client(service: Service) -> Iterator[Client]:
    client = Client(service.url)
    until(lambda: connected(client))
    yield client
    client.close()


def rank(client: Client) -> Any:
    reply = client.post("/v1/rank", WANTED)
    assert reply.status == 200, reply.body
    return reply.json


def short(row: bytes) -> bytes:
    return row[:-4]


def long(row: bytes) -> bytes:
    return row + row[-4:]


def empty(_row: bytes) -> bytes:
    return b""


def newer(row: bytes) -> bytes:
    (version,) = struct.unpack_from("<H", row, 2)
    return row[:2] + struct.pack("<H", version + 1) + row[4:]


def foreign(row: bytes) -> bytes:
    return row[:8] + bytes(8) + row[16:]


def lengthless(row: bytes) -> bytes:
    return row[:4] + struct.pack("<I", 4) + row[8:]


@pytest.mark.fault("R13", "a row cut short, too long, of another schema version or owner")
@pytest.mark.parametrize("damage", [short, long, empty, newer, foreign, lengthless])
def test_a_row_that_is_not_as_written_is_refused_and_counted_and_its_neighbours_stay(
    store: Redis, client: Client, figures: Figures, damage: Callable[[bytes], bytes]
) -> None:
    whole = rank(client)
    assert whole["coverage"]["features"] == 1.0
    before = metric(client, "braid_store_odd_rows", '{outcome="refused"}')
    for item_id in EVERYTHING[::2]:
        store.set(keys.item_row(item_id), damage(store.get(keys.item_row(item_id)) or b""))  # type: ignore[arg-type]  # bytes
    answer = rank(client)
    refused = metric(client, "braid_store_odd_rows", '{outcome="refused"}') - before
    figures.hold(f"of {ITEMS} rows, half of them {damage.__name__}: refused", refused, equal=30)
    figures.hold("coverage told", answer["coverage"]["features"], equal=0.5)
    figures.hold("items ranked", len(answer["items"]), equal=ITEMS)
    assert answer["degraded"] == []


@pytest.mark.fault("R13", "rows missing for 0, 50 and 100 % of the candidates; expired")
def test_missing_rows_are_told_and_where_all_are_missing_the_artifact_s_stand_in(
    store: Redis, client: Client, figures: Figures
) -> None:
    whole = rank(client)
    figures.hold("coverage, none missing", whole["coverage"]["features"], equal=1.0)
    assert whole["degraded"] == []
    for item_id in EVERYTHING[::2]:
        store.delete(keys.item_row(item_id))
    half = rank(client)
    figures.hold("coverage, half missing", half["coverage"]["features"], equal=0.5)
    assert half["degraded"] == []
    for item_id in EVERYTHING[1::2]:
        store.pexpire(keys.item_row(item_id), 1)
    time.sleep(0.05)
    none = rank(client)
    figures.hold("coverage, all missing or expired", none["coverage"]["features"], equal=0.0)
    assert none["degraded"] == [{"stage": "features", "reason": "rows_missing"}]
    # The artifact's rows are what the store had: the fallback ranks as if nothing were missing.
    same = [item["item_id"] for item in none["items"]] == [i["item_id"] for i in whole["items"]]
    figures.hold("ranked as by the rows that were there", int(same), equal=1)
    figures.hold("counted", metric(client, "braid_degraded", LABELS), at_least=1)


LABELS = '{reason="rows_missing",stage="features"}'


@pytest.mark.fault("R13", "all rows missing, for slates and batches")
def test_without_any_row_a_slate_is_full_and_flagged(
    store: Redis, client: Client, figures: Figures
) -> None:
    store.flushall()
    slate = client.recommend(session=["i2", "i4"], limit=10).json
    figures.hold("items in the slate", len(slate["items"]), equal=10)
    assert {"stage": "features", "reason": "rows_missing"} in slate["degraded"]
    queries = [{"session": ["i2"]}, {"session": ["i3"]}]
    batch = client.post("/v1/recommendations/batch", {"queries": queries}).json
    for one in batch["slates"]:
        assert {"stage": "features", "reason": "rows_missing"} in one["degraded"]
        assert len(one["items"]) > 0
