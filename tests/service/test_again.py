"""A request answered once more: the same by the same model, and from memory alone by another."""

import asyncio
import time
from dataclasses import replace
from pathlib import Path

import msgspec
import numpy as np
import pytest

from features.address import Address
from features.store import FeatureStore
from features.trust import Trust
from features.types import Query
from features.user_reader import UserRecord
from ranking.artifact import read
from ranking.filters import FilterRejected
from service.app import Service
from service.experiments.again import again
from service.experiments.choose import Choice
from service.state import Serving
from service.surfaces.file import load
from service.surfaces.plan import Plan
from tests.service.conftest import Client
from tests.service.models import publish
from tests.stores import Store

HOME = load(None).by_name["home"]


def home(serving: Serving) -> Plan:
    return serving.plans.of("home", Choice(HOME))


def stored(url: str, user_id: str, serving: Serving) -> UserRecord:
    async def ask() -> UserRecord:
        store = FeatureStore(Address.parse(url), 5.0, 1000)
        await store.open()
        try:
            return await store.read_user(user_id, serving.user_schema, 5.0)
        finally:
            await store.close()

    return asyncio.run(ask())


@pytest.mark.parametrize("asked", [{"user_id": "196"}, {"session": ["242", "50"]}])
def test_the_same_model_gives_the_slate_that_was_served(
    api: Client, service: Service, filled: Store, asked: dict[str, object]
) -> None:
    serving = service.state.read()
    served = api.recommend(**asked, limit=20, seed=3, deadline_ms=10_000).json["items"]
    user_id = asked.get("user_id")
    user = stored(filled.url, str(user_id), serving) if user_id else None
    query = Query(
        user_id=str(user_id) if user_id else None,
        session=() if user_id else ("242", "50"),
        limit=20,
        diversity=HOME.rerank.diversity,
        seed=3,
    )
    found = again(query, home(serving), user, time.time(), serving, serving)
    assert list(found.item_ids) == [item["item_id"] for item in served]
    assert found.scores == pytest.approx([item["score"] for item in served], abs=1e-4)


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> list[Serving]:
    """Two trained on the same items, and one on fewer."""
    folder = tmp_path_factory.mktemp("models")
    names = [publish(folder, world="one", seed=seed) for seed in (0, 1)]
    names.append(publish(folder, world="two", items=50))
    return [Serving.of(read(folder / name), 0, Trust()) for name in names]


def someone(serving: Serving) -> UserRecord:
    ids = list(serving.snapshot.catalogue.ids[:5])
    return UserRecord(serving.user_schema.default_row, True, ids, np.arange(5) * 1000)


def test_another_model_ranks_otherwise_and_knows_the_same_user(models: list[Serving]) -> None:
    one, other, fewer = models
    user, query = someone(one), Query(user_id="u", limit=10)
    slates = [again(query, home(by), user, 60.0, one, by) for by in (one, other, fewer)]
    assert slates[0].item_ids != slates[1].item_ids
    assert len(slates[2].item_ids) == 10
    for slate in slates:
        assert not set(user.history) & set(slate.item_ids)


def test_a_user_row_of_another_schema_is_not_taken_over(models: list[Serving]) -> None:
    one, _, _ = models
    wider = msgspec.structs.replace(one.user_schema, features=one.user_schema.features * 2)
    user = replace(someone(one), row=wider.default_row)
    query = Query(user_id="u", limit=10)
    found = again(query, home(one), user, 60.0, replace(one, user_schema=wider), one)
    assert found.item_ids == again(query, home(one), someone(one), 60.0, one, one).item_ids


def test_a_filter_that_the_other_catalogue_does_not_know_is_its_fault(
    models: list[Serving], tmp_path: Path
) -> None:
    one, *_ = models
    query = Query(user_id="u", filter="price < 3")
    with pytest.raises(FilterRejected, match="price"):
        again(query, home(one), None, 60.0, one, one)
