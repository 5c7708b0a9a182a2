"""`debug` over real HTTP: what is said of a slate is what was done to make it."""

from collections import Counter
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from msgspec.structs import replace
from prometheus_client.parser import text_string_to_metric_families

from features.store import UserRecord
from features.types import Query
from ranking.masks import blocked
from service.app import Service
from service.experiments.choose import Choice
from service.explain.masks import masks_of
from service.running import running
from service.settings import Settings
from service.stages import context_of
from tests.service.conftest import QUIET, Client
from tests.service.test_api import history
from tests.stores import Store

PATIENT: dict[str, Any] = {"deadline_ms": 10_000}


def debugged(api: Client, **wanted: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return an answer and its debug part."""
    answer = api.recommend(debug=True, **PATIENT, **wanted).json
    return answer, answer["debug"]


def fate(api: Client, item_id: str, **wanted: Any) -> dict[str, Any]:
    _, debug = debugged(api, why_not=[item_id], **wanted)
    [found] = debug["why_not"]
    assert found["item_id"] == item_id
    assert isinstance(found, dict)
    return found


def test_explain_one_request(api: Client) -> None:
    answer, debug = debugged(api, user_id="196", limit=10)
    assert [item["item_id"] for item in debug["items"]] == [
        item["item_id"] for item in answer["items"]
    ]
    assert [item["place"] for item in debug["items"]] == list(range(1, 11))
    for shown, item in zip(answer["items"], debug["items"], strict=True):
        assert shown["source"] in {one["source"] for one in item["provenance"]}
        [attribution] = item["attributions"]
        assert attribution["method"] == "tree_shap"
        parts = sum(attribution["contributions"].values())
        assert attribution["base"] + parts == pytest.approx(shown["score"], abs=1e-4)
        assert attribution["score"] == pytest.approx(shown["score"], abs=1e-4)
        assert set(attribution["contributions"]) <= set(item["features"])
        assert item["objectives"] == {"model": pytest.approx(shown["score"], abs=1e-5)}


def test_stage_timing_in_the_response_names_threads_and_waiting(api: Client) -> None:
    reply = api.recommend(user_id="196", debug=True, **PATIENT)
    stages = reply.json["debug"]["stages"]
    names = [stage["stage"] for stage in stages]
    assert names == ["context", "retrieve", "features", "score", "rerank"]
    timed = dict(part.strip().split(";dur=") for part in reply.headers["server-timing"].split(","))
    assert [*timed] == [*names, "explain", "encode", "total"]
    for stage in stages:
        assert stage["ms"] == pytest.approx(float(timed[stage["stage"]]), abs=0.001)
        assert 0 <= stage["wait_ms"] <= stage["ms"]
        assert stage["threads"] >= 1
    assert all(one["start_ms"] <= two["start_ms"] for one, two in pairwise(stages))


def test_per_stage_metrics_count_what_debug_took(api: Client) -> None:
    """The histogram on `/metrics` has every stage, the explanation's too, of the same request."""

    def counts() -> dict[str, float]:
        families = text_string_to_metric_families(api.get("/metrics").body.decode())
        [stages] = [one for one in families if one.name == "braid_stage_duration_seconds"]
        return {
            sample.labels["stage"]: sample.value
            for sample in stages.samples
            if sample.name.endswith("_count")
        }

    before = counts()
    api.recommend(user_id="196", debug=True, **PATIENT)
    after = counts()
    for stage in ("context", "retrieve", "features", "score", "rerank", "explain", "total"):
        assert after[stage] == before.get(stage, 0) + 1


def test_debug_changes_nothing_about_the_slate(api: Client) -> None:
    wanted = {"user_id": "196", "limit": 20, "seed": 3, **PATIENT}
    plain, told = api.recommend(**wanted).json, api.recommend(**wanted, debug=True).json
    assert "debug" not in plain
    assert told["items"] == plain["items"]


def test_a_request_without_debug_is_not_watched(
    api: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    def watched(*_: object) -> None:
        raise AssertionError("nobody asked for it")

    monkeypatch.setattr("service.explain.watch.DetailedTrace.__init__", watched)
    monkeypatch.setattr("service.explain.evidence.Evidence.__init__", watched)
    assert api.recommend(user_id="196", limit=3, **PATIENT).ids
    reply = api.post("/v1/recommendations", {"user_id": "196", "debug": True})
    assert reply.status == 500


def test_what_sources_offered_adds_up(api: Client) -> None:
    _, debug = debugged(api, user_id="196", limit=10)
    assert {one["source"] for one in debug["sources"]} >= {"vector", "cooccurrence", "popularity"}
    assert max(one["offered"] for one in debug["sources"]) <= debug["found"]
    assert debug["found"] <= sum(one["offered"] for one in debug["sources"])
    assert debug["found"] == debug["scored"] == debug["near"] + debug["missed"]
    for one in debug["sources"]:
        assert one["kept"] == one["offered"]
        for other in debug["sources"]:
            if other is not one:
                assert one["shared"][other["source"]] == other["shared"][one["source"]]
        assert one["alone"] <= one["offered"]
    for item in debug["items"]:
        assert item["provenance"]
        assert all(one["place"] >= 1 for one in item["provenance"])


def test_masks_are_counted_and_so_is_what_each_keeps_away_alone(api: Client, filled: Store) -> None:
    seen = history(filled, "305")
    free = next(str(item) for item in range(1, 1683) if str(item) not in seen)
    also = next(iter(seen))
    _, debug = debugged(api, user_id="305", exclude=[free, also], filter="year >= 1900")
    masks = {one["mask"]: one for one in debug["masks"]}
    assert masks["seen"]["blocks"] == len(seen)
    assert masks["excluded"]["blocks"] == 2
    assert masks["excluded"]["alone"] <= 1
    assert masks["seen"]["alone"] <= len(seen) - 1
    assert debug["history"] == len(seen)


def test_without_diversity_nothing_is_moved(api: Client) -> None:
    _, debug = debugged(api, user_id="196", limit=10, diversity=0)
    assert [item["place_by_score"] for item in debug["items"]] == list(range(1, 11))
    assert {item["moved_by"] for item in debug["items"]} == {""}
    _, debug = debugged(api, user_id="196", limit=10, diversity=0.9)
    moved = [item for item in debug["items"] if item["place"] != item["place_by_score"]]
    assert {item["moved_by"] for item in moved} == {"diversity"}


def test_a_pin_is_told_as_what_moved_an_item(api: Client) -> None:
    plain = api.recommend(user_id="196", limit=50, diversity=0, **PATIENT).ids
    _, debug = debugged(api, user_id="196", limit=5, diversity=0, pin={"1": plain[40]})
    pinned = debug["items"][1]
    assert (pinned["item_id"], pinned["moved_by"]) == (plain[40], "pin")
    assert pinned["place_by_score"] == 41


def test_an_items_fate_names_the_stage_that_let_it_go(api: Client, filled: Store) -> None:
    user: dict[str, Any] = {"user_id": "305", "limit": 10, "diversity": 0}
    ranked = api.recommend(**{**user, "limit": 200}, **PATIENT).ids
    assert fate(api, "no such", **user)["stage"] == "catalogue"
    shown = fate(api, ranked[3], **user)
    assert (shown["stage"], shown["place"]) == ("slate", 4)
    outranked = fate(api, ranked[12], **user)
    assert (outranked["stage"], outranked["place"]) == ("score", 13)
    assert outranked["score"] <= outranked["last_score"]
    seen = fate(api, next(iter(history(filled, "305"))), **user)
    assert (seen["stage"], seen["masks"]) == ("masks", ["seen"])
    excluded = fate(api, ranked[0], **user, exclude=[ranked[0]])
    assert (excluded["stage"], excluded["masks"]) == ("masks", ["excluded"])
    filtered = fate(api, ranked[0], **user, filter="year < 1900")
    assert filtered["masks"] == ["filter"]


def test_an_item_that_no_source_offered_is_told_by_how_much(api: Client) -> None:
    _, debug = debugged(api, user_id="305", limit=5, why_not=[str(item) for item in range(1, 21)])
    everyone = debug["why_not"]
    for start in range(21, 400, 20):
        asked = [str(item) for item in range(start, start + 20)]
        everyone += debugged(api, user_id="305", limit=5, why_not=asked)[1]["why_not"]
    missed = [one for one in everyone if one["stage"] == "retrieve"]
    assert missed
    for one in missed:
        for score, least in one["scores"].values():
            assert least is None or score <= least + 1e-5


def test_an_item_that_diversity_put_behind_others_is_told_so(api: Client) -> None:
    best = api.recommend(user_id="196", limit=10, diversity=0, **PATIENT).ids
    slate = api.recommend(user_id="196", limit=10, diversity=0.9, **PATIENT).ids
    away = next(item for item in best if item not in slate)
    found = fate(api, away, user_id="196", limit=10, diversity=0.9)
    assert (found["stage"], found["place"]) == ("rerank", best.index(away) + 1)
    assert found["score"] > found["last_score"]
    assert "diversity" in found["reason"]


def test_the_callers_own_candidates_are_explained_too(api: Client) -> None:
    wanted = {"user_id": "196", "candidates": ["1", "50", "100", "181"], "limit": 2}
    body = {**wanted, "debug": True, "why_not": ["2", "1", "50", "100", "181"], **PATIENT}
    reply = api.post("/v1/rank", body)
    assert reply.status == 200, reply.body
    stages = {one["item_id"]: one["stage"] for one in reply.json["debug"]["why_not"]}
    assert stages["2"] == "retrieve"
    assert list(stages.values()).count("slate") == 2
    similar = api.post("/v1/similar", {"seed_items": ["50"], "debug": True, "limit": 2, **PATIENT})
    assert len(similar.json["debug"]["items"]) == 2


def test_why_not_is_limited_and_needs_debug(api: Client) -> None:
    many = [str(item) for item in range(21)]
    reply = api.post("/v1/recommendations", {"user_id": "1", "debug": True, "why_not": many})
    assert (reply.status, reply.json["path"]) == (422, "$.why_not")
    assert "debug" not in api.recommend(user_id="1", why_not=["1"], **PATIENT).json


SURFACES = """
[surfaces.light]
[surfaces.light.sources]
vector.quota = 100
cooccurrence.quota = 100
popularity.quota = 50
[surfaces.light.scoring]
light_keeps = 30
objectives = { model = 1.0, "item.year" = 0.5 }
[surfaces.light.filters]
rule = "year >= 1950"
"""


@pytest.fixture(scope="module")
def light(
    artifacts: Path, filled: Store, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Service, Client]]:
    """A service with a surface that has a light phase, two objectives and a rule."""
    file = tmp_path_factory.mktemp("surfaces") / "surfaces.toml"
    file.write_text(SURFACES)
    settings = Settings(
        artifact=artifacts, redis=filled.url, port=0, loops=1, surfaces=file, fetch_budget_ms=5000
    )
    with running(settings, QUIET) as service:
        client = Client(service.url)
        yield service, client
        client.close()


def test_the_light_phase_is_told_apart_from_retrieval(light: tuple[Service, Client]) -> None:
    _, api = light
    asked = [str(item) for item in range(1, 1683)]
    stages = Counter[str]()
    for start in range(0, 600, 20):
        why_not = asked[start : start + 20]
        _, debug = debugged(api, user_id="305", surface="light", limit=5, why_not=why_not)
        assert debug["scored"] == 30 < debug["found"]
        for one in debug["why_not"]:
            stages[one["stage"]] += 1
            if one["stage"] == "light":
                assert one["place"] > 30
    assert {"masks", "retrieve", "light"} <= set(stages)
    assert sum(one["kept"] for one in debug["sources"]) >= 30
    assert "rule" in {one["mask"] for one in debug["masks"]}


def test_every_objective_is_told_with_its_weight(light: tuple[Service, Client]) -> None:
    _, api = light
    _, debug = debugged(api, user_id="305", surface="light", limit=3)
    assert debug["weights"] == {"model": 1.0, "item.year": 0.5}
    for item in debug["items"]:
        assert set(item["objectives"]) == {"model", "item.year"}
        assert item["objectives"]["item.year"] == item["features"]["item.year"]
        [attribution] = item["attributions"]  # a column needs none
        assert attribution["score"] == pytest.approx(item["objectives"]["model"], abs=1e-4)


def test_the_masks_by_name_are_together_the_mask_of_retrieval(
    light: tuple[Service, Client],
) -> None:
    service, _ = light
    serving = service.state.read()
    surfaces = service.surfaces.read()
    rng = np.random.default_rng(0)
    for seen in (True, False):
        surface = surfaces.by_name["light"]
        surface = replace(surface, filters=replace(surface.filters, seen=seen))
        plan = serving.plans.of("light", Choice(surface, "test"))
        for _ in range(20):
            ids = [str(item) for item in rng.integers(1, 1683, 12).tolist()]
            query = Query(
                session=tuple(ids[:3]),
                exclude=tuple(ids[3:6]),
                shown=tuple(ids[5:8]),
                filter="year < 1995" if rng.random() < 0.5 else None,
            )
            now = 1.7e9
            user = UserRecord(
                serving.user_schema.default_row,
                True,
                ids[8:10],
                np.array([int(now * 1e3) - 5000] * 2),
                ids[10:12],
            )
            context = context_of(query, plan, user, serving, now)
            whole = blocked(context, serving.snapshot, seen)
            parts = masks_of(query, plan, context, serving)
            assert np.array_equal(np.logical_or.reduce([*parts.values()]), whole)
