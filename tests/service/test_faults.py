"""What an answer lacks is told in it: a deadline that passed, rows that are not there.

Tests of the store killed, stopped and absent are in tests/faults.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest

from features import keys
from service.app import Service
from service.running import running
from service.settings import Settings
from tests.features.shelves import until
from tests.service.conftest import QUIET, Client, fill
from tests.stores import Store, new_store, redis_of

USER = {"user_id": "196", "limit": 10, "deadline_ms": 10_000}


@pytest.fixture
def valkey(artifacts: Path) -> Iterator[Store]:
    """One that this test may kill."""
    with new_store() as valkey:
        fill(valkey, artifacts)
        yield valkey


@pytest.fixture
def frail(artifacts: Path, valkey: Store) -> Iterator[Service]:
    settings = Settings(artifact=artifacts, redis=valkey.url, port=0, loops=1, fetch_budget_ms=100)
    with running(settings, QUIET) as service:
        yield service


def test_deadline_passed_gives_a_partial_answer_that_is_flagged(frail: Service) -> None:
    client = Client(frail.url)
    reply = client.recommend(user_id="196", limit=10, deadline_ms=0.001)
    assert len(reply.ids) == 10
    stages = {part["stage"] for part in reply.json["degraded"]}
    assert {"context", "rerank"} <= stages  # the near cache may have the features at once
    client.close()


def test_rows_that_are_missing_or_foreign_count_in_the_coverage(
    frail: Service, valkey: Store
) -> None:
    client = Client(frail.url)
    with redis_of(valkey.url) as store:
        store.delete(keys.item_row("1"))
        store.set(keys.item_row("50"), store.get(keys.item_row("181")) or b"")  # another item's row
        store.set(keys.item_row("100"), b"cut short")
    wanted = {"user_id": "196", "candidates": ["1", "50", "100", "181"], "deadline_ms": 10_000}
    # The near cache hears of a write a moment after the writer does.
    until(lambda: client.post("/v1/rank", wanted).json["coverage"]["features"] == 0.25, 2)
    reply = client.post("/v1/rank", wanted)
    assert sorted(reply.ids) == ["1", "100", "181", "50"]
    client.close()
