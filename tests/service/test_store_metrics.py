"""The families of the feature store: what state its breakers are in, and what befell them."""

import asyncio

import numpy as np
import pytest
from prometheus_client.metrics_core import Metric
from redis import Redis

from features.address import Address
from features.errors import StoreUnavailable
from features.item_table import ItemTable
from features.store import FeatureStore
from service.embedded import EmbeddedValkey
from service.observe.store import store_metrics
from tests.features.schemas import ITEM, USER


def values(families: list[Metric]) -> dict[tuple[str, ...], float]:
    return {
        (sample.name, *sample.labels.values()): sample.value
        for family in families
        for sample in family.samples
    }


def test_breakers_and_counters_of_all_loops_are_shown() -> None:
    async def main() -> None:
        with EmbeddedValkey() as valkey, Redis.from_url(valkey.url) as client:
            address = Address.parse(valkey.url)
            stores = [FeatureStore(address, 5.0, 10) for _ in range(2)]
            await asyncio.gather(*(store.open() for store in stores))
            node = repr(address)
            found = values(list(store_metrics(stores)))
            assert found["braid_store_breaker", node, "closed"] == 2
            assert found["braid_store_breaker", node, "open"] == 0
            assert found["braid_store_probes_total",] == 2
            client.client_kill_filter(_type="normal", skipme=True)
            async with asyncio.timeout(20):
                while values(list(store_metrics(stores)))["braid_store_reconnects_total",] < 2:  # noqa: ASYNC110  the store tells nobody
                    await asyncio.sleep(0.01)
            found = values(list(store_metrics(stores)))
            assert found["braid_store_opens_total",] == 2
            await stores[0].read_items(ItemTable(["a"], ITEM), np.array([0]), 5.0)
            await asyncio.gather(*(store.close() for store in stores))
            assert values(list(store_metrics(stores)))["braid_store_breaker", node, "open"] == 2

    asyncio.run(main())


def test_a_read_whose_connection_breaks_is_made_again_and_counted() -> None:
    async def main() -> None:
        with EmbeddedValkey() as valkey, Redis.from_url(valkey.url) as client:
            store = FeatureStore(Address.parse(valkey.url), 10.0, 10)
            await store.open()
            client.client_pause(300)  # so that the connection breaks with the read on its way
            reading = asyncio.create_task(store.read_user("ann", USER, 10.0))
            await asyncio.sleep(0)
            client.client_kill_filter(_type="normal", skipme=True)
            assert not (await reading).known
            found = values(list(store_metrics([store])))
            assert found["braid_store_retries_total", "made"] == 1
            await store.close()
            with pytest.raises(StoreUnavailable):
                await store.read_user("ann", USER, 10.0)

    asyncio.run(main())
