"""Logs of several event loops that start, write and are asked about at once."""

import asyncio
from pathlib import Path

import pytest
from redis import Redis

from features import keys
from features.address import Address
from features.store import FeatureStore
from features.trust import Trust
from service.crew import Crew
from service.experiments.experiments import Experiments
from service.logs.logs import Logs
from service.state import Serving, State
from tests.races.together import against, together
from tests.ranking.snapshots import snapshot
from tests.stores import Store

LOOPS, NOTES, STARTS = 3, 400, 300


@pytest.fixture
def experiments(tmp_path: Path) -> Experiments:
    return Experiments(Crew(0), tmp_path, State(Serving.of(snapshot(), 1, Trust())))


def test_the_logs_of_all_loops_that_start_at_once_are_known(
    experiments: Experiments, address: Address
) -> None:
    def start() -> None:
        for _ in range(STARTS):
            experiments.open_log(FeatureStore(address, 1.0, 1))

    together(start, start, start)
    assert len(experiments._logs) == 3 * STARTS


def test_every_record_of_every_loop_is_written_or_counted_as_dropped(
    experiments: Experiments, valkey: Store, client: Redis
) -> None:
    opened = list[Logs]()
    highest = [0]

    async def serve(loop: int) -> None:
        store = FeatureStore(Address.parse(valkey.url), 10.0, 100)
        await store.open()
        logs = Logs.open(store, experiments, 0.0)
        opened.append(logs)
        for turn in range(NOTES):
            logs.exposures.note(f"u{loop}", "home", "salt", "b", f"r{loop}-{turn}", turn)
            if turn % 50 == 0:
                await asyncio.sleep(0)
        await logs.close()
        await store.close()

    def look() -> None:
        counts = [logs.counts("exposures") for logs in opened.copy()]
        written = sum(written for written, _ in counts)
        assert highest[0] <= written <= LOOPS * NOTES
        highest[0] = written
        assert experiments.dropped() >= 0

    against([lambda n=n: asyncio.run(serve(n)) for n in range(LOOPS)], look)  # type: ignore[misc]  # it binds
    written, dropped = (
        sum(n) for n in zip(*(one.counts("exposures") for one in opened), strict=True)
    )
    assert written + dropped == LOOPS * NOTES
    assert client.xlen(keys.EXPOSURES) == written
    assert dropped == experiments.dropped()
