"""A service whose item and user rows are in a Redis that Feast writes."""

from collections.abc import Iterator
from pathlib import Path
from struct import pack

import numpy as np
import pytest
from pyarrow import parquet
from redis import Redis

from features.errors import SchemaInvalid
from features.feast.entity_keys import EntityKeys
from features.feast.murmur import field_name
from features.schema import Schema
from features.types import Rows
from ranking.artifact import StoredRows, read_store
from service.app import Service
from service.commands.batch import batch
from service.embedded import EmbeddedValkey
from service.errors import SettingInvalid
from service.running import running
from service.settings import Settings
from tests.features.shelves import until
from tests.service.conftest import QUIET, Client
from tests.stores import Store

FEAST = """\
project = "shop"
redis = "{url}"

[item]
join_key = "item_id"
view = "items"

[user]
join_key = "user_id"
key_type = "int64"
view = "users"
"""
ITEM, USER = EntityKeys("shop", "item_id"), EntityKeys("shop", "user_id", "int64")


def message(values: Rows) -> bytes:
    """Return the value as Feast writes a float32, or an array of them."""
    if len(values) == 1:
        return b"\x35" + pack("<f", values[0])
    inner = b"\x0a" + varint(4 * len(values)) + values.astype("<f4").tobytes()
    return b"\x82\x01" + varint(len(inner)) + inner


def varint(number: int) -> bytes:
    return bytes([number]) if number < 128 else bytes([number & 127 | 128]) + varint(number >> 7)


def fields(view: str, schema: Schema, row: Rows) -> dict[bytes, bytes]:
    return {
        field_name(view, name): message(row[column : column + feature.width])
        for name, (feature, column) in schema.places.items()
    }


@pytest.fixture(scope="module")
def stored(artifacts: Path) -> StoredRows:
    return read_store(next(artifacts.iterdir()))


@pytest.fixture(scope="module")
def feast(stored: StoredRows) -> Iterator[EmbeddedValkey]:
    """A store with the artifact's rows, as Feast would have written them."""
    item, user = Schema.parse(stored.schemas["item"]), Schema.parse(stored.schemas["user"])
    with EmbeddedValkey() as valkey, Redis.from_url(valkey.url) as client:
        with client.pipeline(transaction=False) as pipeline:
            for name, row in zip(stored.item_ids, stored.item_rows, strict=True):
                pipeline.hset(ITEM.key(name), mapping=fields("items", item, row))
            for name, row in zip(stored.user_ids, stored.user_rows, strict=True):
                pipeline.hset(USER.key(name), mapping=fields("users", user, row))
            pipeline.execute()
        yield valkey


@pytest.fixture(scope="module")
def fed(
    artifacts: Path,
    filled: Store,
    feast: EmbeddedValkey,
    patient: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Service]:
    """A service whose own store has other rows than Feast's: none, of these users and items."""
    file = tmp_path_factory.mktemp("feast") / "feast.toml"
    file.write_text(FEAST.format(url=feast.url))
    settings = Settings(
        artifact=artifacts,
        redis=filled.url,
        feast=file,
        surfaces=patient,
        port=0,
        fetch_budget_ms=9000,
        longest_wait_ms=5000,
    )
    with running(settings, QUIET) as service:
        yield service


def test_slates_are_those_of_the_same_rows_in_a_store_of_braids_own(
    fed: Service, api: Client
) -> None:
    client = Client(fed.url)
    for user in ("1", "7", "943", "a stranger"):
        wanted = {"user_id": user, "seed": 3, "surface": "cart"}
        answer, own = client.recommend(**wanted).json, api.recommend(**wanted).json
        assert answer["items"] == own["items"]
        assert answer["degraded"] == []
        assert answer["coverage"]["features"] == 1.0
    client.close()


def test_what_feast_writes_is_near_at_once(
    fed: Service, feast: EmbeddedValkey, stored: StoredRows
) -> None:
    near, schema = fed.state.read().near, Schema.parse(stored.schemas["item"])
    item, client = np.array([41]), Client(fed.url)
    wanted = {"candidates": [stored.item_ids[41]], "deadline_ms": 9000}

    def is_near() -> bool:
        """Ask for it: the rows read ahead are forgotten where invalidations may have been lost."""
        assert client.post("/v1/rank", wanted).json["coverage"]["features"] == 1.0
        return len(near.gather(item).missed) == 0

    until(is_near, 60)
    row = stored.item_rows[41].copy()
    for column in (0, len(row) - 1):
        row[column] = 1.0 - row[column]
    assert near.gather(item).rows[0].tobytes() == stored.item_rows[41].tobytes()
    with Redis.from_url(feast.url) as store:
        store.hset(ITEM.key(stored.item_ids[41]), mapping=fields("items", schema, row))
        until(lambda: len(near.gather(item).missed) == 1, 20)
        until(lambda: is_near() and near.gather(item).rows[0].tobytes() == row.tobytes(), 20)
    client.close()


def test_a_batch_reads_what_feast_wrote(
    fed: Service, artifacts: Path, filled: Store, feast: EmbeddedValkey, tmp_path: Path
) -> None:
    file, users = tmp_path / "feast.toml", tmp_path / "users.txt"
    file.write_text(FEAST.format(url=feast.url))
    users.write_text("5\n9\n")
    batch(
        artifact=artifacts,
        redis=filled.url,
        feast=file,
        surface="cart",
        users=users,
        into=tmp_path / "slates",
    )
    client = Client(fed.url)
    for row in parquet.read_table(tmp_path / "slates").to_pylist():
        wanted = {"user_id": row["user_id"], "seed": row["seed"], "surface": "cart"}
        items = client.recommend(**wanted).json["items"]
        assert [item["item_id"] for item in items] == row["item_ids"]
        assert [item["score"] for item in items] == row["scores"]
    client.close()


def test_events_and_histories_are_in_the_store_of_its_own(fed: Service) -> None:
    client = Client(fed.url)
    wanted = {"user_id": "fed by feast", "surface": "cart", "seed": 1}
    before = client.recommend(**wanted).ids
    event = {"user_id": "fed by feast", "item_id": before[0], "type": "click"}
    assert client.post("/v1/events", {"events": [event]}).status == 200
    assert before[0] not in client.recommend(**wanted).ids
    client.close()


@pytest.mark.parametrize(
    ("text", "fault", "said"),
    [
        ("project = 'shop'", SettingInvalid, "redis"),
        ("project = 'shop'\nredis = 'http://x'", SettingInvalid, "Redis URL"),
        ("project =", SettingInvalid, "feast.toml"),
        (
            FEAST.format(url="redis://") + "[user.features]\nheight = 'users:height'",
            SchemaInvalid,
            "no feature 'height'",
        ),
    ],
)
def test_a_file_that_cannot_be_meant_is_told_at_the_start(
    artifacts: Path, filled: Store, tmp_path: Path, text: str, fault: type[Exception], said: str
) -> None:
    file = tmp_path / "feast.toml"
    file.write_text(text)
    settings = Settings(artifact=artifacts, redis=filled.url, feast=file, port=0)
    with pytest.raises(fault, match=said), running(settings, QUIET):
        pass
