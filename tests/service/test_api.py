"""The contract over a real socket."""

import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from typing import Any

import pytest

from features import keys
from service.app import Service
from tests.races.together import together
from tests.service.conftest import Client
from tests.stores import Store, redis_of

# A deadline that a busy test machine keeps.
PATIENT: dict[str, Any] = {"deadline_ms": 10_000}


def history(valkey: Store, user: str) -> set[str]:
    with redis_of(valkey.url) as client:
        entries: Any = client.lrange(keys.user_history(user), 0, -1)
    return {entry.decode().split(":", 2)[2] for entry in entries}


def test_a_slate_has_as_many_unseen_items_as_asked_for(api: Client, filled: Store) -> None:
    reply = api.recommend(user_id="196", limit=10, **PATIENT)
    assert len(reply.ids) == len(set(reply.ids)) == 10
    assert not set(reply.ids) & history(filled, "196")
    assert all(item["properties"]["title"] for item in reply.json["items"])
    assert reply.json["degraded"] == []
    assert reply.json["coverage"] == {"features": 1.0, "scored": 1.0}


def test_the_time_of_every_stage_is_on_the_response(api: Client) -> None:
    timing = api.recommend(user_id="196").headers["server-timing"]
    pairs = [part.strip().split(";dur=") for part in timing.split(",")]
    stages = ["context", "retrieve", "features", "score", "rerank", "encode", "total"]
    assert [name for name, _ in pairs] == stages
    times = [float(duration) for _, duration in pairs]
    assert 0 < sum(times[:-1]) <= times[-1]


def test_two_users_get_different_slates(api: Client) -> None:
    slates = [api.recommend(user_id=user, limit=10, **PATIENT).ids for user in ("196", "22")]
    assert slates[0] != slates[1]


def test_the_same_request_gives_the_same_slate(api: Client) -> None:
    slates = [api.recommend(user_id="7", limit=20, **PATIENT).ids for _ in range(5)]
    assert all(slate == slates[0] for slate in slates)


def test_the_next_slate_lacks_what_was_just_consumed(api: Client) -> None:
    first = api.recommend(user_id="300", limit=10, **PATIENT).ids
    event = {"user_id": "300", "item_id": first[0], "type": "click"}
    assert api.post("/v1/events", {"events": [event]}).json["stored"] == 1
    after = api.recommend(user_id="300", limit=10, **PATIENT).ids
    assert first[0] not in after


def test_an_event_is_seen_by_the_very_next_request(service: Service) -> None:
    """Two connections, so that write and read meet different loops; a thousand rounds."""
    with closing(Client(service.url)) as writer, closing(Client(service.url)) as reader:
        popular = reader.recommend(user_id="nobody-yet", limit=200, **PATIENT).ids
        for number in range(1000):
            item = popular[number % len(popular)]
            event = {"user_id": f"visitor-{number}", "item_id": item}
            assert writer.post("/v1/events", {"events": [event]}).status == 200
            slate = reader.recommend(user_id=f"visitor-{number}", limit=1, diversity=0, **PATIENT)
            assert item not in slate.ids


def test_an_event_id_counts_once(api: Client) -> None:
    event = {"user_id": "once", "item_id": "50", "event_id": "e1"}
    answers = [api.post("/v1/events", {"events": [event]}).json for _ in range(3)]
    assert [answer["stored"] for answer in answers] == [1, 0, 0]
    assert [answer["received"] for answer in answers] == [1, 1, 1]


def test_an_unknown_user_gets_popular_items(api: Client) -> None:
    # A surface without what trends: other tests' events would.
    reply = api.recommend(user_id="a stranger", limit=5, surface="cart")
    assert {item["source"] for item in reply.json["items"]} == {"popularity"}
    assert reply.json["degraded"] == []


def test_an_anonymous_session_is_not_shown_what_it_has_seen(api: Client) -> None:
    reply = api.recommend(session=["50", "181"], limit=10, **PATIENT)
    assert not {"50", "181"} & set(reply.ids)
    assert any("Star Wars" in item["reason"] for item in reply.json["items"])


def test_exclude_list_per_request_items_never_come(api: Client) -> None:
    first = api.recommend(user_id="10", limit=20, **PATIENT).ids
    second = api.recommend(user_id="10", limit=20, exclude=first, **PATIENT).ids
    assert len(second) == 20
    assert not set(first) & set(second)


def test_rank_returns_only_the_callers_candidates(api: Client) -> None:
    wanted = {"user_id": "196", "candidates": ["1", "50", "no such item", "181", "100"], **PATIENT}
    reply = api.post("/v1/rank", wanted)
    assert sorted(reply.ids) == ["1", "100", "181", "50"]
    assert reply.json["coverage"]["scored"] == 0.8


def test_rank_without_diversity_is_sorted_by_score(api: Client) -> None:
    wanted = {
        "user_id": "196",
        "candidates": [str(item) for item in range(1, 400)],
        "diversity": 0,
        "limit": 200,
        **PATIENT,
    }
    scores = [item["score"] for item in api.post("/v1/rank", wanted).json["items"]]
    assert len(scores) == 200
    assert scores == sorted(scores, reverse=True)


def test_similar_leaves_out_the_seeds(api: Client) -> None:
    reply = api.post("/v1/similar", {"seed_items": ["50"], "limit": 5, **PATIENT})
    titles = [item["properties"]["title"] for item in reply.json["items"]]
    assert "50" not in reply.ids
    assert any("Jedi" in title or "Empire" in title for title in titles)


def test_answers_under_load_are_those_of_a_quiet_service(service: Service) -> None:
    users = [str(user) for user in range(400, 440)]
    quiet = Client(service.url)
    wanted = {**PATIENT, "surface": "cart"}  # nothing of it trends, whatever other tests do
    expected = {user: quiet.recommend(user_id=user, **wanted).json["items"] for user in users}
    barrier = threading.Barrier(8)

    def ask(offset: int) -> None:
        client = Client(service.url)
        barrier.wait()
        for step in range(len(users)):
            user = users[(offset * 5 + step) % len(users)]
            assert client.recommend(user_id=user, **wanted).json["items"] == expected[user]
        client.close()

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(ask, range(8)))
    quiet.close()


@pytest.mark.parametrize(
    ("body", "status", "path"),
    [
        (b'{"user_id":"196","surprise":1}', 422, "$.surprise"),
        (b'{"user_id":"196","limit":-1}', 422, "$.limit"),
        (b'{"user_id":"196","limit":0}', 422, "$.limit"),
        (b'{"user_id":"196","limit":"ten"}', 422, "$.limit"),
        (b'{"user_id":"196","limit":NaN}', 400, "$.limit"),
        (b'{"user_id":"196","diversity":1e400}', 422, "$.diversity"),
        (b'{"user_id":"196","session":["1",2]}', 422, "$.session[1]"),
        (b'{"user_id":"' + b"x" * 129 + b'"}', 422, "$.user_id"),
        (b"{}", 422, "$"),
        (b"[]", 422, "$"),
        (b"", 400, "$"),
        (b"not json", 400, "$"),
        (b'\xef\xbb\xbf{"user_id":"196"}', 400, "$"),
        (b'{"user_id":"\xff"}', 400, "$"),
        (b'{"session":' + b"[" * 10_000 + b"]" * 10_000 + b"}", 422, "$.session[0]"),
        (b"[" * 100_000, 422, "$"),
        (b'{"user_id":"' + b"x" * 10_000_000 + b'"}', 413, "$"),
    ],
    ids=lambda value: repr(value[:24]) if isinstance(value, bytes) else None,
)
def test_bad_input_is_told_with_its_place(
    service: Service, body: bytes, status: int, path: str
) -> None:
    client = Client(service.url)
    reply = client.post("/v1/recommendations", body)
    assert reply.status == status, reply.body
    assert reply.headers["content-type"] == "application/problem+json"
    problem = reply.json
    assert problem["path"] == path
    assert problem["status"] == status
    assert problem["request_id"] == reply.headers["x-request-id"]
    assert {"type", "title", "detail"} <= problem.keys()
    client.close()


def test_another_content_type_is_refused(api: Client) -> None:
    reply = api.post("/v1/recommendations", b"user_id=196", "application/x-www-form-urlencoded")
    assert reply.status == 415
    assert "application/json" in reply.json["detail"]


@pytest.mark.parametrize(
    ("method", "path", "status"), [("GET", "/v1/rank", 405), ("POST", "/no", 404)]
)
def test_what_is_not_served_is_a_problem_too(
    api: Client, method: str, path: str, status: int
) -> None:
    reply = api.ask(method, path, b"{}" if method == "POST" else None)
    assert reply.status == status
    assert reply.headers["content-type"] == "application/problem+json"
    assert reply.json["status"] == status


def test_unknown_seeds_are_a_404_that_names_the_field(api: Client) -> None:
    reply = api.post("/v1/similar", {"seed_items": ["no such item"]})
    assert (reply.status, reply.json["path"]) == (404, "$.seed_items")


def test_health_and_readiness(api: Client) -> None:
    assert api.get("/health/live").body == b"live\n"
    ready = api.get("/health/ready")
    assert ready.status == 200
    assert ready.json["store"]


def test_metrics_count_every_request(api: Client) -> None:
    def answered() -> float:
        lines = api.get("/metrics").body.decode().splitlines()
        start = 'braid_requests_total{route="/v1/similar",status="200"}'
        return sum(float(line.rsplit(" ", 1)[1]) for line in lines if line.startswith(start))

    before = answered()
    for _ in range(7):
        api.post("/v1/similar", {"seed_items": ["50"]})
    assert answered() - before == 7


def test_metrics_are_exact_when_eight_threads_ask_and_scrape(service: Service) -> None:
    rounds, threads = 10, 8
    path, code = "/v1/similar", 'braid_requests_total{route="/v1/similar",status="200"}'
    timed = 'braid_stage_duration_seconds_count{stage="total"}'

    def counted(client: Client, start: str) -> float:
        lines = client.get("/metrics").body.decode().splitlines()
        return sum(float(line.rsplit(" ", 1)[1]) for line in lines if line.startswith(start))

    def ask_and_scrape() -> None:
        with closing(Client(service.url)) as client:
            seen = counted(client, code)
            for _ in range(rounds):
                assert client.post(path, {"seed_items": ["50"]}).status == 200
                now = counted(client, code)
                assert now >= seen + 1  # its own at least
                seen = now

    with closing(Client(service.url)) as client:
        before = [counted(client, start) for start in (code, timed)]
        together(*(ask_and_scrape for _ in range(threads)))
        after = [counted(client, start) for start in (code, timed)]
    assert [one - two for one, two in zip(after, before, strict=True)] == [rounds * threads] * 2


def test_the_docs_page_needs_nothing_from_elsewhere(api: Client) -> None:
    page = api.get("/schema").body.decode()
    assert "://" not in page
    for asset in ("swagger-ui.css", "swagger-ui-bundle.js"):
        assert f"/schema/assets/{asset}" in page
        assert len(api.get(f"/schema/assets/{asset}").body) > 100_000


def test_the_documents_examples_are_answered(api: Client) -> None:
    document = api.get("/schema/openapi.json").json
    for path, operations in document["paths"].items():
        if "post" in operations and operations["post"]["tags"] == ["v1"]:
            content = operations["post"]["requestBody"]["content"]["application/json"]
            assert api.post(path, content["example"]).status == 200
