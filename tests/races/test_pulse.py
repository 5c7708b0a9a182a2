"""What all users did of late, counted and published while many ask: monotone, and exact at last."""

import asyncio
import time
from collections.abc import Callable

import pytest
from redis import Redis

from features.address import Address
from features.events import Event
from features.store import FeatureStore
from ranking.catalogue import Catalogue
from service.live import pulse as module
from service.live.pulse import Pulse
from tests.features.shelves import until
from tests.races.together import against
from tests.stores import Store

ITEMS = tuple(f"i{number}" for number in range(20))
SMALL, LARGE = Catalogue(ITEMS[:10], ({},) * 10), Catalogue(ITEMS, ({},) * 20)
BATCHES = 60


def clicking(url: str, user: str) -> Callable[[], None]:
    """Click every item once per batch, over an event loop of its own."""

    async def main() -> None:
        store = FeatureStore(Address.parse(url), 10.0, 100)
        await store.open()
        for _ in range(BATCHES):
            now_ms = time.time_ns() // 1_000_000
            await store.append_events([Event(user, item, "click", now_ms) for item in ITEMS])
        await store.close()

    return lambda: asyncio.run(main())


def test_counts_never_go_down_and_every_catalogue_gets_its_own_view(
    valkey: Store, client: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "PUBLISH_EVERY_S", 0.001)
    monkeypatch.setattr(module, "LEAST_SHARE", 1)
    assert client.ping()
    published = [0]

    def publish() -> None:
        published[0] += 1

    pulse = Pulse(valkey.url, publish)
    pulse.start()
    seen = [[0.0] * len(ITEMS), [0.0] * len(ITEMS)]

    def look(reader: int, catalogue: Catalogue) -> None:
        live = pulse.view(catalogue)
        if live is None:
            return
        assert len(live.trend) == live.clicks.shape[1] == len(catalogue)
        assert (live.clicks[0] <= live.clicks[1]).all(), "an hour has more than its day"
        assert set(live.trending.tolist()) == set((live.trend > 0).nonzero()[0].tolist())
        clicks = live.clicks[1].tolist()
        assert all(new >= old for new, old in zip(clicks, seen[reader], strict=False))
        seen[reader] = clicks

    try:
        against(
            [clicking(valkey.url, "u1"), clicking(valkey.url, "u2")],
            lambda: look(0, SMALL),
            lambda: look(1, LARGE),
        )
        until(lambda: sum(pulse.view(LARGE).clicks[1]) == 2 * BATCHES * len(ITEMS))  # type: ignore[union-attr]  # it is there
    finally:
        pulse.stop()
    assert pulse.missed == 0
    assert published[0] > 1
