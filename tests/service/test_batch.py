"""Many slates at once: those that single requests give, for a few round trips."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from service.app import Service
from service.running import running
from service.settings import Settings
from tests.features.shelves import until
from tests.service.conftest import QUIET, Client, fill
from tests.stores import Store, calls, new_store, redis_of

BATCH = "/v1/recommendations/batch"
PATIENT = {"deadline_ms": 10_000}
STEADY = {"surface": "cart"}  # nothing of it trends, whatever other tests do meanwhile
QUERIES: list[dict[str, Any]] = [
    *({"user_id": str(user), "limit": 5 + user % 7, **STEADY} for user in range(1, 41)),
    {"user_id": "a stranger", "limit": 3, **STEADY},
    {"session": ["242", "50"], "limit": 4, "diversity": 0.0, **STEADY},
    {"seed_items": ["181"], "exclude": ["50", "172"], "limit": 200, "diversity": 0.9, **STEADY},
    {"user_id": "1", "limit": 5, **STEADY},
]


@pytest.fixture
def valkey(artifacts: Path) -> Iterator[Store]:
    """One that this test may stop."""
    with new_store() as valkey:
        fill(valkey, artifacts)
        yield valkey


def slates(client: Client, queries: list[dict[str, Any]], **more: Any) -> list[Any]:
    reply = client.post(BATCH, {"queries": queries, **PATIENT, **more})
    assert reply.status == 200, reply.body
    answer = reply.json
    assert len(answer["slates"]) == len(queries)
    assert answer["request_id"] == reply.headers["x-request-id"]
    return list(answer["slates"])


def test_a_batch_gives_the_slates_of_single_requests(api: Client) -> None:
    queries = [{**query, "seed": 7} for query in QUERIES]  # else each draws for itself
    expected = [api.recommend(**query, **PATIENT).json for query in queries]
    for batched, single in zip(slates(api, queries), expected, strict=True):
        del batched["request_id"], single["request_id"]
        assert batched == single


def test_each_slate_of_a_batch_has_an_id_of_its_own(api: Client) -> None:
    reply = api.post(BATCH, {"queries": QUERIES[:3], **PATIENT})
    own = reply.headers["x-request-id"]
    ids = [slate["request_id"] for slate in reply.json["slates"]]
    assert ids == [f"{own}.0", f"{own}.1", f"{own}.2"]


def test_batches_side_by_side_give_what_they_give_alone(service: Service) -> None:
    quiet = Client(service.url)
    expected = [slate["items"] for slate in slates(quiet, QUERIES)]

    def ask(turn: int) -> None:
        client = Client(service.url)
        for _ in range(5):
            found = slates(client, QUERIES[turn:] + QUERIES[:turn])
            items = [slate["items"] for slate in found]
            assert items == expected[turn:] + expected[:turn]
        client.close()

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(ask, range(0, 40, 10)))
    quiet.close()


@pytest.mark.parametrize("near_cache_mib", [0, 16])
def test_a_batch_takes_one_trip_for_all_users_and_one_for_all_items(
    artifacts: Path, valkey: Store, near_cache_mib: int
) -> None:
    settings = Settings(
        artifact=artifacts,
        redis=valkey.url,
        port=0,
        fetch_budget_ms=5000,
        near_cache_mib=near_cache_mib,
    )
    with running(settings, QUIET) as service, redis_of(valkey.url) as store:
        client = Client(service.url)
        # Until then it reads what all users did of late, which takes commands of its own.
        until(lambda: b"braid_events_connected 1.0" in client.get("/metrics").body, 20)
        slates(client, QUERIES)
        before = [calls(store, name) for name in ("get", "lrange", "mget")]
        slates(client, QUERIES)
        after = [calls(store, name) for name in ("get", "lrange", "mget")]
        client.close()
    gets, ranges, mgets = (now - then for now, then in zip(after, before, strict=True))
    assert gets == ranges == sum("user_id" in query for query in QUERIES)
    assert mgets <= 1


def test_without_a_store_every_slate_of_a_batch_says_so(artifacts: Path, valkey: Store) -> None:
    settings = Settings(artifact=artifacts, redis=valkey.url, port=0, near_cache_mib=0)
    with running(settings, QUIET) as service:
        valkey.stop()
        client = Client(service.url)
        for slate in slates(client, QUERIES[:10]):
            assert slate["items"]
            assert {note["stage"] for note in slate["degraded"]} == {"context", "features"}
        client.close()


def test_a_batch_past_its_deadline_gives_every_slate_by_its_fallbacks(api: Client) -> None:
    found = slates(api, QUERIES, deadline_ms=0.001)
    for query, slate in zip(QUERIES, found, strict=True):
        assert slate["items"]
        late = {note["stage"] for note in slate["degraded"] if note["reason"] == "deadline"}
        plain = set() if query.get("diversity", 0.3) else {"rerank"}
        assert late - {"features"} == {"context", "score", "rerank"} - plain
        assert slate["coverage"]["scored"] == 0.0


@pytest.mark.parametrize(
    ("queries", "path"),
    [
        ([], "$.queries"),
        ([{"user_id": "1"}] * 101, "$.queries"),
        ([{"user_id": "1"}, {}], "$.queries[1]"),
        ([{"user_id": "1", "deadline_ms": 5}], "$.queries[0].deadline_ms"),
        ([{"user_id": "1", "limit": 0}], "$.queries[0].limit"),
    ],
)
def test_a_bad_query_in_a_batch_is_told_with_its_place(
    api: Client, queries: list[Any], path: str
) -> None:
    reply = api.post(BATCH, {"queries": queries})
    assert (reply.status, reply.json["path"]) == (422, path)
