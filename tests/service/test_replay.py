"""Replays over real HTTP: the same again, or by another model, other settings, another body."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from redis import Redis

from ranking.artifact import read_store
from service.explain.compare import compare
from service.load import load
from service.running import running
from service.settings import Settings
from tests.service.conftest import QUIET, Client, Reply
from tests.service.models import publish
from tests.stores import Store

PATIENT: dict[str, Any] = {"deadline_ms": 10_000}


def replay(api: Client, request_id: str, **wanted: Any) -> dict[str, Any]:
    reply = api.post("/v1/replay", {"request_id": request_id, **wanted})
    assert reply.status == 200, reply.body
    found: dict[str, Any] = reply.json
    return found


def refused(api: Client, **wanted: Any) -> Reply:
    reply = api.post("/v1/replay", wanted)
    assert reply.status >= 400, reply.body
    return reply


def test_replay_what_if_of_one_request(api: Client) -> None:
    """An untouched request gives its slate again, to the last digit; a touched one is compared."""
    answer = api.recommend(user_id="196", limit=10, **PATIENT).json
    again = replay(api, answer["request_id"])
    assert again["recorded"]["slate"] == answer
    assert again["replayed"]["slate"]["items"] == answer["items"]
    assert again["overlap"]["same"]
    assert (again["overlap"]["jaccard"], again["overlap"]["rank_biased"]) == (1.0, 1.0)
    stages = [stage["stage"] for stage in again["replayed"]["stages"]]
    assert stages == [stage["stage"] for stage in again["recorded"]["stages"]]

    changed = replay(api, answer["request_id"], surface={"rerank": {"diversity": 0.9}})
    assert changed["recorded"] == again["recorded"]
    assert changed["replayed"]["slate"]["variant"] == "what-if"
    overlap = changed["overlap"]
    assert not overlap["same"]
    assert overlap["jaccard"] < 1
    before = [item["item_id"] for item in answer["items"]]
    after = [item["item_id"] for item in changed["replayed"]["slate"]["items"]]
    assert set(overlap["entered"]) == set(after) - set(before)
    assert set(overlap["left"]) == set(before) - set(after)


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/v1/recommendations", {"session": ["50", "181"], "limit": 10}),
        ("/v1/recommendations", {"user_id": "nobody", "filter": "year >= 1990"}),
        ("/v1/recommendations", {"user_id": "7", "seed": 5, "exclude": ["50"], "diversity": 0.7}),
        ("/v1/rank", {"user_id": "7", "candidates": ["1", "50", "100", "181"]}),
        ("/v1/similar", {"seed_items": ["50"], "limit": 5}),
    ],
)
def test_every_kind_of_request_gives_its_slate_again(
    api: Client, path: str, body: dict[str, Any]
) -> None:
    answer = api.post(path, {**body, **PATIENT}).json
    again = replay(api, answer["request_id"])
    assert again["replayed"]["slate"]["items"] == answer["items"]
    assert again["replayed"]["slate"]["coverage"] == answer["coverage"]


def test_what_the_user_did_since_does_not_change_a_replay(api: Client) -> None:
    answer = api.recommend(user_id="replayer", limit=10, **PATIENT).json
    events = [{"user_id": "replayer", "item_id": item["item_id"]} for item in answer["items"][:3]]
    assert api.post("/v1/events", {"events": events}).json["stored"] == 3
    assert api.recommend(user_id="replayer", limit=10, **PATIENT).ids != [
        item["item_id"] for item in answer["items"]
    ]
    again = replay(api, answer["request_id"])
    assert again["overlap"]["same"]
    assert "user" in again["as_recorded"]


def test_a_changed_body_is_laid_over_the_recorded_one(api: Client) -> None:
    answer = api.recommend(user_id="196", limit=10, filter="year >= 1990", **PATIENT).json
    found = replay(api, answer["request_id"], body={"limit": 3, "filter": None})
    assert len(found["replayed"]["slate"]["items"]) == 3
    years = [item["properties"]["year"] for item in answer["items"]]
    assert min(years) >= 1990
    other = replay(api, answer["request_id"], body={"user_id": "22"})
    assert not other["overlap"]["same"]
    assert "user" in other["as_of_now"]


def test_a_replay_can_be_explained(api: Client) -> None:
    answer = api.recommend(user_id="196", limit=2, **PATIENT).json
    found = replay(api, answer["request_id"], body={"debug": True, "why_not": ["nothing"]})
    debug = found["replayed"]["slate"]["debug"]
    assert len(debug["items"]) == 2
    assert debug["why_not"][0]["stage"] == "catalogue"


def test_one_query_of_a_batch_is_replayed(api: Client) -> None:
    queries = [{"user_id": "1", "limit": 4}, {"seed_items": ["50"], "limit": 3}]
    answer = api.post("/v1/recommendations/batch", {"queries": queries, "deadline_ms": 10_000}).json
    for index, slate in enumerate(answer["slates"]):
        again = replay(api, f"{answer['request_id']}.{index}")
        assert again["recorded"]["slate"] == slate
        assert again["replayed"]["slate"]["items"] == slate["items"]
    whole = refused(api, request_id=answer["request_id"])
    assert (whole.status, whole.json["type"]) == (409, "urn:braid:problem:not-replayable")
    assert refused(api, request_id=f"{answer['request_id']}.2").status == 409


def test_a_replay_is_neither_recorded_nor_counted_as_a_request(api: Client) -> None:
    answer = api.recommend(user_id="196", limit=2, **PATIENT).json
    replay(api, answer["request_id"])
    listed = api.get("/v1/requests?limit=1").json["requests"]
    assert [one["request_id"] for one in listed] == [answer["request_id"]]


@pytest.mark.parametrize(
    ("change", "status", "path", "said"),
    [
        ({"surface": {"rerank": {"diversity": 2}}}, 422, "$.surface", "<= 1"),
        ({"surface": {"sources": {"vektor": {"quota": 5}}}}, 422, "$.surface", "vektor"),
        ({"surface": {"no": 1}}, 422, "$.surface", "no"),
        ({"body": {"limits": 3}}, 422, "$.body", "limits"),
        ({"body": {"surface": "attic"}}, 422, "$.body.surface", "attic"),
        ({"body": {"filter": "yaer > 1"}}, 422, "$.body.filter", "yaer"),
        ({"model_version": "../x"}, 404, "$.model_version", "../x"),
        ({"model_version": "2020-01-01-1"}, 404, "$.model_version", "2020-01-01-1"),
    ],
)
def test_a_change_that_cannot_be_made_says_which_and_why(
    api: Client, change: dict[str, Any], status: int, path: str, said: str
) -> None:
    answer = api.recommend(user_id="196", limit=2, **PATIENT).json
    reply = refused(api, request_id=answer["request_id"], **change)
    assert (reply.status, reply.json["path"]) == (status, path)
    assert said in reply.json["detail"]


def test_a_request_that_was_refused_can_be_mended_by_a_replay(api: Client) -> None:
    wrong = api.post("/v1/recommendations", {"user_id": "196", "filter": "yaer > 1990", **PATIENT})
    assert wrong.status == 400
    assert refused(api, request_id=wrong.json["request_id"]).json["path"] == "$.body.filter"
    found = replay(api, wrong.json["request_id"], body={"filter": "year > 1990"})
    assert found["recorded"]["slate"] is None
    assert found["overlap"] is None
    assert found["replayed"]["slate"]["items"]
    assert found["replayed"]["slate"]["degraded"] == []
    assert "user" in found["as_of_now"]  # nobody had asked for it


def test_what_is_not_kept_cannot_be_replayed(api: Client) -> None:
    assert refused(api, request_id="0123").status == 404
    broken = api.post("/v1/recommendations", b"{")
    assert refused(api, request_id=broken.json["request_id"]).status == 409
    long = {"user_id": "1", "exclude": [f"{'x' * 100}{n}" for n in range(200)], **PATIENT}
    kept = api.post("/v1/recommendations", long).json
    reply = refused(api, request_id=kept["request_id"])
    assert (reply.status, "too large" in reply.json["detail"]) == (409, True)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two models, the second of more items."""
    folder = tmp_path_factory.mktemp("replayed")
    publish(folder, world="one", items=60, seed=0)
    publish(folder, world="more", items=90, seed=2)
    return folder


@pytest.fixture
def swapped(folder: Path, client: Redis, valkey: Store) -> Iterator[Client]:
    """A service of the first model; the second lies beside it."""
    first, second = sorted(path.name for path in folder.iterdir())[:2]
    load(client, read_store(folder / second), 1000, lambda *_: None)
    settings = Settings(
        artifact=folder / first, redis=valkey.url, port=0, loops=2, fetch_budget_ms=5000
    )
    with running(settings, QUIET) as service:
        other = Client(service.url)
        yield other
        other.close()


def test_another_model_is_loaded_beside_the_one_that_serves(swapped: Client, folder: Path) -> None:
    first, second = sorted(path.name for path in folder.iterdir())[:2]
    wanted = {"user_id": "u2", "limit": 10, **PATIENT}
    answer = swapped.recommend(**wanted).json
    for _ in range(2):  # loaded, and then at hand
        found = replay(swapped, answer["request_id"], model_version=second)
        assert found["recorded"]["model_version"] == answer["model_version"] == first
        assert found["replayed"]["model_version"] == second
        worlds = {item["properties"]["world"] for item in found["replayed"]["slate"]["items"]}
        assert worlds == {"more"}
        assert not found["overlap"]["same"]
    assert replay(swapped, answer["request_id"], model_version=first)["overlap"]["same"]
    assert swapped.recommend(**wanted).json["model_version"] == first
    assert swapped.get("/v1/models").json["serves"] == first


def test_a_damaged_model_is_refused_and_nothing_changes(swapped: Client, folder: Path) -> None:
    _, second = sorted(path.name for path in folder.iterdir())[:2]
    damaged = shutil.copytree(folder / second, folder / "2030-01-01-1")
    try:
        (damaged / "ranker.txt").write_text("tree\n")
        answer = swapped.recommend(user_id="u2", **PATIENT).json
        reply = refused(swapped, request_id=answer["request_id"], model_version=damaged.name)
        assert (reply.status, reply.json["type"]) == (422, "urn:braid:problem:model-refused")
    finally:
        shutil.rmtree(damaged)
    assert replay(swapped, answer["request_id"])["overlap"]["same"]


DRAFTED = """
[surfaces.home]
[surfaces.home.experiment]
salt = "replays"
kind = "interleaving"
[surfaces.home.experiment.variants.varied]
share = 1.0
settings = { rerank = { diversity = 0.9 } }
"""


def test_a_drafted_slate_is_drafted_again(artifacts: Path, filled: Store, tmp_path: Path) -> None:
    file = tmp_path / "surfaces.toml"
    file.write_text(DRAFTED)
    settings = Settings(
        artifact=artifacts, redis=filled.url, port=0, loops=1, surfaces=file, fetch_budget_ms=5000
    )
    with running(settings, QUIET) as service:
        api = Client(service.url)
        for user in ("196", "22", "405"):
            answer = api.recommend(user_id=user, limit=10, **PATIENT).json
            assert answer["variant"] == "varied"
            again = replay(api, answer["request_id"])
            assert again["replayed"]["slate"]["items"] == answer["items"]
            assert again["replayed"]["slate"]["variant"] == "varied"
        plain = replay(api, answer["request_id"], surface={"limit": 5})
        assert plain["replayed"]["slate"]["variant"] == "what-if"
        api.close()


def test_slates_are_compared_place_by_place() -> None:
    found = compare(["a", "b", "c"], ["c", "b", "d"])
    assert (found.same, found.jaccard) == (False, 0.5)
    assert (found.entered, found.left) == (["d"], ["a"])
    assert [(move.item_id, move.before, move.after) for move in found.moved] == [("c", 3, 1)]
    assert 0 < found.rank_biased < 1
    assert compare([], []).same
