"""Rows as Feast itself writes and reads them: the same values to the bit, defaults for the rest."""

import asyncio
import json
import math
import struct
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from redis import Redis

from benchmarks.servers import free_port
from features.address import Address
from features.feast.store import FeastStore
from features.feast.view import Feast, View
from features.item_table import ItemTable
from features.schema import Schema
from features.types import Mask, Rows
from features.user_reader import UserRecord
from service.embedded import EmbeddedValkey

ROOT = Path(__file__).resolve().parents[3]
PYTHON = ROOT / ".venv-feast" / "bin" / "python"
REPO = Path(__file__).with_name("repo.py")

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        not PYTHON.exists(), reason="no .venv-feast: python3 -m scripts.bootstrap feast makes it"
    ),
]

ITEM = Schema.parse(
    {
        "name": "item",
        "version": 1,
        "features": [
            {"name": "price", "default": 9.0},
            {"name": "weight"},
            {"name": "released", "dtype": "int32", "default": 1990},
            {"name": "stock", "dtype": "int32"},
            {"name": "new", "dtype": "bool"},
            {"name": "genre", "shape": [2], "labels": ["Drama", "Comedy"]},
            {"name": "tags", "shape": [3], "labels": ["x", "y", "z"]},
            {"name": "vector", "shape": [3], "default": 0.5},
        ],
    }
)
USER = Schema.parse(
    {"name": "user", "version": 1, "features": [{"name": "age"}, {"name": "score", "default": 2}]}
)
IDS = ("a", "b", "ü", "empty", "nobody")


@dataclass
class Written:
    """A Redis that Feast has filled, and what Feast's own reader says of it, by view and feature.

    Numbers are told by the bits of their float32, in hex.
    """

    url: str
    told: dict[str, dict[str, list[Any]]]

    @property
    def feast(self) -> Feast:
        item = View("item_id", "items", features={"released": "items:year"})
        return Feast("shop", self.url, item, View("user_id", "users", "int64"))


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Written]:
    folder = tmp_path_factory.mktemp("feast")
    port = free_port()  # Feast knows of no Unix sockets
    with EmbeddedValkey(port) as valkey:
        place = f"127.0.0.1:{port}"
        done = subprocess.run(
            [str(PYTHON), str(REPO), str(folder), place],
            capture_output=True,
            text=True,
            check=False,
            timeout=280,
        )
        assert done.returncode == 0, done.stderr[-3000:]
        [line] = [line for line in done.stdout.splitlines() if line.startswith("TOLD ")]
        yield Written(valkey.url, json.loads(line.removeprefix("TOLD ")))


def read(written: Written) -> tuple[tuple[Rows, Mask], list[UserRecord], int]:
    async def main() -> tuple[tuple[Rows, Mask], list[UserRecord], int]:
        store = FeastStore(Address.parse(written.url), written.feast, 30, 10)
        await store.open()
        try:
            rows = await store.read_items(ItemTable(IDS, ITEM), np.arange(len(IDS)), math.inf)
            users = await store.read_users(["1", "2", "-5", "77", "no number"], USER, math.inf)
            return rows, users, store.counts.imputed_rows
        finally:
            await store.close()

    return asyncio.run(main())


def number(bits: str) -> float:
    return float(struct.unpack("<f", bytes.fromhex(bits))[0])


def expected(place: int, told: dict[str, list[Any]]) -> list[float]:
    """Return the row by what Feast told of the item at a place."""
    row: list[float] = []
    names = {"released": "year"}
    for feature in ITEM.features:
        value = told[names.get(feature.name, feature.name)][place]
        match value:
            case None:
                row += [feature.default] * feature.width
            case str() if feature.labels:
                fits = value in feature.labels
                row += [float(value == one) if fits else feature.default for one in feature.labels]
            case list() if feature.labels:
                row += [float(label in value) for label in feature.labels]
            case list():
                row += map(number, value)
            case _:
                row.append(number(value))
    return row


def test_item_rows_are_what_feast_itself_reads(written: Written) -> None:
    (rows, present), _, imputed = read(written)
    want = [expected(place, written.told["items"]) for place in range(len(IDS))]
    assert rows.tobytes() == np.array(want, np.float32).tobytes()
    assert present.tolist()[:3] == [True, True, True]
    assert not present[-1]
    assert rows[-1].tolist() == ITEM.default_row.tolist()
    assert imputed >= 1  # of ü the genre is none of the schema's


def test_users_with_numbers_for_keys_are_what_feast_itself_reads(written: Written) -> None:
    _, users, _ = read(written)
    told = written.told["users"]
    for place in range(3):
        want = [number(told[name][place]) for name in ("age", "score")]
        assert users[place].row.tobytes() == np.array(want, np.float32).tobytes()
    assert [user.known for user in users] == [True, True, True, False, False]
    assert users[3].row.tolist() == users[4].row.tolist() == [0, 2]


def test_the_entity_of_every_key_that_feast_wrote_is_known(written: Written) -> None:
    item, user = written.feast.item, written.feast.user
    assert item is not None
    assert user is not None
    with Redis.from_url(written.url) as client:
        names = list(client.scan_iter(match="*shop"))
    found = {written.feast.keys(item).entity(name) for name in names}
    assert found >= {"a", "b", "ü"}
    assert {written.feast.keys(user).entity(name) for name in names} >= {"1", "2", "-5"}
