"""An artifact's rows and histories in a real server, as the store then reads them."""

import asyncio

import numpy as np
import pytest
from redis import Redis

from features.address import Address
from features.item_table import ItemTable
from features.schema import Schema
from features.store import FeatureStore, UserRecord
from features.types import Rows
from ranking.artifact import StoredRows
from service.load import load
from tests.ranking.snapshots import SCHEMAS

ITEM, USER = Schema.parse(SCHEMAS["item"]), Schema.parse(SCHEMAS["user"])


@pytest.fixture
def stored() -> StoredRows:
    """Three items, two users; ann consumed items 0, 1, 2 in this order, bob nothing."""
    return StoredRows(
        item_ids=("a", "b", "c"),
        item_rows=np.arange(12, dtype=np.float32).reshape(3, 4),
        user_ids=("ann", "bob"),
        user_rows=np.array([[1, 2], [3, 4]], np.float32),
        history_items=np.array([0, 1, 2], np.int32),
        history_times=np.array([1000, 2000, 3000], np.int64),
        history_offsets=np.array([0, 3, 3], np.int64),
        schemas=SCHEMAS,
    )


def read(address: Address, *users: str) -> tuple[Rows, list[UserRecord]]:
    async def main() -> tuple[Rows, list[UserRecord]]:
        store = FeatureStore(address, 30, 100)
        await store.open()
        try:
            table = ItemTable(("a", "b", "c"), ITEM)
            rows, present = await store.read_items(table, np.arange(3), 30)
            assert present.all()
            return rows, [await store.read_user(user, USER, 30) for user in users]
        finally:
            await store.close()

    return asyncio.run(main())


def test_the_store_reads_what_was_loaded(
    client: Redis, address: Address, stored: StoredRows
) -> None:
    load(client, stored, 100, lambda *_: None)
    rows, [ann, bob, stranger] = read(address, "ann", "bob", "cid")
    assert rows.tobytes() == stored.item_rows.tobytes()
    assert (ann.row.tolist(), ann.known, ann.history) == ([1, 2], True, ["c", "b", "a"])
    assert (bob.row.tolist(), bob.known, bob.history) == ([3, 4], True, [])
    assert not stranger.known


def test_of_a_long_history_the_latest_are_kept(
    client: Redis, address: Address, stored: StoredRows
) -> None:
    load(client, stored, 2, lambda *_: None)
    _, [ann] = read(address, "ann")
    assert ann.history == ["c", "b"]


def test_loading_again_changes_nothing(client: Redis, address: Address, stored: StoredRows) -> None:
    for _ in range(2):
        load(client, stored, 100, lambda *_: None)
    _, [ann] = read(address, "ann")
    assert ann.history == ["c", "b", "a"]


def test_progress_begins_at_nothing_and_ends_at_everything(
    client: Redis, stored: StoredRows
) -> None:
    told: list[tuple[str, int, int]] = []
    load(client, stored, 100, lambda *step: told.append(step))
    done = [step for _, step, _ in told]
    assert {(name, total) for name, _, total in told} == {("load", 7)}
    assert (done[0], done[-1]) == (0, 7)
    assert done == sorted(done)
