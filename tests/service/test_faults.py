"""The feature store killed, stopped and absent, for real, under a running service."""

import os
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from redis import Redis

from features import keys
from service.app import Service
from service.embedded import EmbeddedValkey
from service.running import running
from service.settings import Settings
from tests.service.conftest import QUIET, Client, fill

USER = {"user_id": "196", "limit": 10, "deadline_ms": 10_000}


@pytest.fixture
def valkey(artifacts: Path) -> Iterator[EmbeddedValkey]:
    """One that this test may kill."""
    with EmbeddedValkey() as valkey:
        fill(valkey, artifacts)
        yield valkey


@pytest.fixture
def frail(artifacts: Path, valkey: EmbeddedValkey) -> Iterator[Service]:
    settings = Settings(artifact=artifacts, redis=valkey.url, port=0, loops=1, fetch_budget_ms=100)
    with running(settings, QUIET) as service:
        yield service


def until(holds: Callable[[], bool], within_s: float) -> float:
    """Wait for it, and return how long that took."""
    began = time.monotonic()
    while not holds():
        assert time.monotonic() - began < within_s, "it never came"
        time.sleep(0.005)
    return time.monotonic() - began


def test_fallback_when_failed_the_service_answers_without_its_store_and_says_so(
    frail: Service, valkey: EmbeddedValkey
) -> None:
    client = Client(frail.url)
    assert client.recommend(**USER).json["degraded"] == []
    valkey.stop()
    until(lambda: client.get("/health/ready").status == 503, 5)
    # The near cache learns of it on a connection of its own.
    until(lambda: len(client.recommend(**USER).json["degraded"]) == 2, 5)
    reply = client.recommend(**USER)
    assert len(reply.ids) == 10
    assert {part["stage"] for part in reply.json["degraded"]} == {"context", "features"}
    assert {part["reason"] for part in reply.json["degraded"]} == {"store_down"}
    assert reply.json["coverage"]["features"] == 0.0
    assert client.get("/health/live").status == 200
    client.close()


def test_events_that_the_store_did_not_take_are_refused_not_lost(
    frail: Service, valkey: EmbeddedValkey
) -> None:
    client = Client(frail.url)
    valkey.stop()
    until(lambda: client.get("/health/ready").status == 503, 5)
    reply = client.post("/v1/events", {"events": [{"user_id": "a", "item_id": "50"}]})
    assert reply.status == 503
    assert reply.headers["retry-after"] == "1"
    client.close()


def test_full_quality_is_back_soon_after_the_store_is(
    frail: Service, valkey: EmbeddedValkey, artifacts: Path
) -> None:
    client = Client(frail.url)
    before = client.recommend(**USER).ids
    valkey.stop()
    until(lambda: client.get("/health/ready").status == 503, 5)
    valkey.start()
    fill(valkey, artifacts)
    until(lambda: client.recommend(**USER).json["degraded"] == [], 2)
    assert client.recommend(**USER).ids == before
    client.close()


def test_a_service_that_starts_without_its_store_becomes_ready_by_itself(artifacts: Path) -> None:
    valkey = EmbeddedValkey()
    settings = Settings(artifact=artifacts, redis=valkey.url, port=0, loops=1)
    with running(settings, QUIET) as service:
        client = Client(service.url)
        assert client.get("/health/live").status == 200
        assert client.get("/health/ready").status == 503
        assert len(client.recommend(**USER).ids) == 10
        with valkey:
            until(lambda: client.get("/health/ready").status == 200, 2)
        client.close()


def test_a_stopped_store_costs_one_budget_and_then_nothing(
    frail: Service, valkey: EmbeddedValkey
) -> None:
    client = Client(frail.url)
    pid = valkey.pid
    os.kill(pid, signal.SIGSTOP)
    try:
        first = client.recommend(**USER).json["degraded"]
        assert {"stage": "context", "reason": "store_timeout"} in first
        # The connection is gone; one that cannot answer a PING is not taken for a new one.
        for _ in range(20):
            later = client.recommend(**USER).json["degraded"]
            assert {part["reason"] for part in later} == {"store_down"}
    finally:
        os.kill(pid, signal.SIGCONT)
    until(lambda: client.recommend(**USER).json["degraded"] == [], 3)
    client.close()


def test_deadline_passed_gives_a_partial_answer_that_is_flagged(frail: Service) -> None:
    client = Client(frail.url)
    reply = client.recommend(user_id="196", limit=10, deadline_ms=0.001)
    assert len(reply.ids) == 10
    stages = {part["stage"] for part in reply.json["degraded"]}
    assert {"context", "rerank"} <= stages  # the near cache may have the features at once
    client.close()


def test_rows_that_are_missing_or_foreign_count_in_the_coverage(
    frail: Service, valkey: EmbeddedValkey
) -> None:
    client = Client(frail.url)
    with Redis.from_url(valkey.url) as store:
        store.delete(keys.item_row("1"))
        store.set(keys.item_row("50"), store.get(keys.item_row("181")) or b"")  # another item's row
        store.set(keys.item_row("100"), b"cut short")
    wanted = {"user_id": "196", "candidates": ["1", "50", "100", "181"], "deadline_ms": 10_000}
    # The near cache hears of a write a moment after the writer does.
    until(lambda: client.post("/v1/rank", wanted).json["coverage"]["features"] == 0.25, 2)
    reply = client.post("/v1/rank", wanted)
    assert sorted(reply.ids) == ["1", "100", "181", "50"]
    client.close()
