"""Looking back over HTTP: recent, slow and failed requests, and one of them in full."""

from pathlib import Path
from typing import Any

import pytest

from service.running import running
from service.settings import Settings
from tests.service.conftest import QUIET, Client
from tests.stores import Store

PATIENT: dict[str, Any] = {"deadline_ms": 10_000}


def listed(api: Client, query: str = "") -> list[dict[str, Any]]:
    reply = api.get(f"/v1/requests{query}")
    assert reply.status == 200, reply.body
    found: list[dict[str, Any]] = reply.json["requests"]
    return found


def test_the_latest_request_is_listed_first_in_short(api: Client) -> None:
    answer = api.recommend(user_id="196", limit=7, **PATIENT).json
    first = listed(api)[0]
    assert first["request_id"] == answer["request_id"]
    assert (first["route"], first["status"], first["items"]) == ("/v1/recommendations", 200, 7)
    assert (first["user_id"], first["surface"]) == ("196", "home")
    assert first["model_version"] == answer["model_version"]
    assert first["total_ms"] > 0
    assert len(listed(api, "?limit=1")) == 1


def test_one_request_is_shown_with_its_body_its_waterfall_and_its_slate(api: Client) -> None:
    reply = api.recommend(user_id="22", limit=5, **PATIENT)
    shown = api.get(f"/v1/requests/{reply.json['request_id']}").json
    assert shown["body"] == {"user_id": "22", "limit": 5, **PATIENT}
    [slate] = shown["slates"]
    assert slate == reply.json
    stages = [stage["stage"] for stage in shown["stages"]]
    assert stages == ["context", "retrieve", "features", "score", "rerank", "encode"]
    ends = [stage["start_ms"] + stage["ms"] for stage in shown["stages"]]
    for stage, end in zip(shown["stages"][1:], ends, strict=False):
        assert stage["start_ms"] >= end - 0.001
    assert ends[-1] <= shown["request"]["total_ms"]


def test_a_batch_is_one_request_with_all_its_slates(api: Client) -> None:
    queries = [{"user_id": "1", "limit": 2}, {"seed_items": ["50"], "limit": 3}]
    answer = api.post("/v1/recommendations/batch", {"queries": queries, "deadline_ms": 10_000}).json
    first = listed(api)[0]
    assert (first["request_id"], first["items"]) == (answer["request_id"], 5)
    shown = api.get(f"/v1/requests/{answer['request_id']}").json
    assert shown["slates"] == answer["slates"]


def test_what_was_refused_is_listed_as_failed(api: Client) -> None:
    refused = api.post("/v1/recommendations", {"user_id": "1", "limit": 0})
    assert refused.status == 422
    first = listed(api, "?order=failed")[0]
    assert (first["request_id"], first["status"]) == (refused.json["request_id"], 422)
    assert api.get(f"/v1/requests/{first['request_id']}").json["slates"] == []


def test_the_slowest_requests_come_slowest_first(api: Client) -> None:
    times = [one["total_ms"] for one in listed(api, "?order=slow&limit=1000")]
    assert times == sorted(times, reverse=True)
    assert times


def test_events_are_not_kept(api: Client) -> None:
    before = {one["request_id"] for one in listed(api)}
    event = {"user_id": "flown", "item_id": "50"}
    assert api.post("/v1/events", {"events": [event]}).status == 200
    assert {one["request_id"] for one in listed(api)} == before


def test_explanations_are_not_kept_but_the_slate_is(api: Client) -> None:
    answer = api.recommend(user_id="196", limit=3, debug=True, **PATIENT).json
    [slate] = api.get(f"/v1/requests/{answer['request_id']}").json["slates"]
    assert "debug" in answer
    assert "debug" not in slate
    assert slate["items"] == answer["items"]


def test_an_unknown_request_is_a_404_that_says_so(api: Client) -> None:
    reply = api.get("/v1/requests/0123")
    assert (reply.status, reply.json["type"]) == (404, "urn:braid:problem:no-such-request")
    assert reply.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize("query", ["?order=best", "?limit=0", "?limit=x"])
def test_a_listing_that_cannot_be_is_a_400(api: Client, query: str) -> None:
    assert api.get(f"/v1/requests{query}").status == 400


def test_with_flight_0_nothing_is_kept(artifacts: Path, filled: Store) -> None:
    settings = Settings(artifact=artifacts, redis=filled.url, port=0, loops=1, flight=0)
    with running(settings, QUIET) as service:
        client = Client(service.url)
        answer = client.recommend(user_id="196", **PATIENT).json
        assert listed(client) == []
        assert client.get(f"/v1/requests/{answer['request_id']}").status == 404
        client.close()
