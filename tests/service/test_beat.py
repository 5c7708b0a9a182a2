"""A loop that does not turn gets no connections, and where it never does again live says so."""

import asyncio
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from service.app import Service
from service.http import beat as module
from service.http import server as server_module
from service.http.beat import EVERY_S, Beat
from service.running import running
from service.settings import Settings
from tests.service.conftest import QUIET, Client
from tests.service.test_crew import until
from tests.stores import Store

HELD_UP_S = 3.0


@pytest.fixture
def pair(artifacts: Path, filled: Store) -> Iterator[Service]:
    settings = Settings(artifact=artifacts, redis=filled.url, port=0, loops=2, fetch_budget_ms=5000)
    with running(settings, QUIET) as service:
        yield service


def test_a_loop_that_turns_is_in_time_and_one_that_does_not_is_overdue(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "STILL_S", 0.2)

    async def live() -> None:
        beat = Beat()
        beat.begin()
        await asyncio.sleep(2 * EVERY_S)
        assert not beat.still()
        time.sleep(EVERY_S + 0.3)  # noqa: ASYNC251  what is held up here is the loop
        assert beat.still()
        await asyncio.sleep(0.01)
        assert not beat.still()

    asyncio.run(live())


def test_while_one_loop_stands_still_others_serve_whoever_comes_and_live_tells_in_the_end(
    pair: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "STILL_S", 0.2)
    monkeypatch.setattr(server_module, "STUCK_S", 0.5)
    held_up = pair._server._loops[0]
    began = time.monotonic()
    held_up._loop.call_soon_threadsafe(time.sleep, HELD_UP_S)
    until(held_up.beat.still)
    said = set[int]()
    while time.monotonic() - began < HELD_UP_S - 0.5:
        client = Client(pair.url)
        said.add(client.get("/health/live").status)
        assert len(client.recommend(user_id="196", deadline_ms=10_000).ids) == 20
        client.close()
    assert time.monotonic() - began < HELD_UP_S + 1  # nobody waited for the loop
    assert 503 in said
    until(lambda: not held_up.beat.still())
    client = Client(pair.url)
    assert client.get("/health/live").status == 200
    client.close()
