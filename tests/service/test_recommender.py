"""What a surface says, over HTTP: sources, rules, pages, experiments and what is live, together."""

import time
from collections import Counter
from collections.abc import Iterator
from itertools import count, pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from features.types import Context, Mask
from ranking.retrieval import Found
from ranking.snapshot import Snapshot
from service.app import Service
from service.running import running
from service.settings import Settings
from tests.features.shelves import until
from tests.service.conftest import QUIET, Client, Reply
from tests.stores import Store

SURFACES = """\
[surfaces.all]
deadline_ms = 9000
[surfaces.all.sources]
vector.quota = 200
cooccurrence.quota = 200
segment.quota = 50
trending.quota = 50
latest.quota = 50
similar.quota = 50
popularity.quota = 100
ours = { items = ["50", "181", "174"], quota = 3 }
mine = { function = "tests.service.test_recommender:third", quota = 5 }
[surfaces.all.scoring]
light_keeps = 300

[surfaces.ruled]
deadline_ms = 9000
[surfaces.ruled.rerank]
caps = [{ attribute = "genre", label = "Drama", most = 2 }]
windows = [{ attribute = "genre", label = "Comedy", within = 3 }]
boosts = { "genre:Western" = 3.0 }
promotions = [{ items = "year < 1960", at_least = 0.2 }]
explore = { share = 0.3, method = "epsilon", first_place = 5 }

[surfaces.slow]
deadline_ms = 9000
[surfaces.slow.sources]
popularity.quota = 50
sleepy = { function = "tests.service.test_recommender:sleepy", quota = 5, deadline_ms = 30 }
broken = { function = "tests.service.test_recommender:broken", quota = 5 }

[surfaces.shown]
deadline_ms = 9000
[surfaces.shown.filters.served]
hide_after = 2
log = true

[surfaces.again]
deadline_ms = 9000
filters.seen = false
[surfaces.again.sources]
again.quota = 30

[surfaces.trends]
deadline_ms = 9000
limit = 200
[surfaces.trends.sources]
trending.quota = 2000
[surfaces.trends.scoring]
objectives = { trend = 1.0 }

[surfaces.halves]
deadline_ms = 9000
[surfaces.halves.experiment]
salt = "halves-1"
[surfaces.halves.experiment.variants.short]
share = 0.5
settings.limit = 3

[surfaces.drafted]
deadline_ms = 9000
[surfaces.drafted.experiment]
salt = "drafted-1"
kind = "interleaving"
[surfaces.drafted.experiment.variants.popular]
share = 1.0
[surfaces.drafted.experiment.variants.popular.settings.sources]
vector = { quota = 1 }
"""


def third(_context: Context, snapshot: Snapshot, blocked: Mask, k: int) -> Found:
    """Offer every third item."""
    items = np.arange(2, len(snapshot.catalogue), 3)
    items = items[~blocked[items]][:k]
    return Found(items, np.linspace(1, 0, len(items), dtype=np.float32))


def sleepy(context: Context, snapshot: Snapshot, blocked: Mask, k: int) -> Found:
    """Come too late."""
    time.sleep(0.3)
    return third(context, snapshot, blocked, k)


def broken(*_asked: Any) -> Found:
    """Fail."""
    raise RuntimeError("this source is broken on purpose")


@pytest.fixture(scope="module")
def recommender(
    artifacts: Path, filled: Store, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Service]:
    file = tmp_path_factory.mktemp("recommender") / "surfaces.toml"
    file.write_text(SURFACES)
    settings = Settings(
        artifact=artifacts, redis=filled.url, port=0, fetch_budget_ms=5000, surfaces=file
    )
    with running(settings, QUIET) as service:
        yield service


@pytest.fixture
def client(recommender: Service) -> Iterator[Client]:
    client = Client(recommender.url)
    yield client
    client.close()


_visitors = (f"recommender-{number}" for number in count())


def events(client: Client, *happened: dict[str, Any]) -> Reply:
    reply = client.post("/v1/events", {"events": list(happened)})
    assert reply.status == 200, reply.body
    return reply


def genres(item: dict[str, Any]) -> set[str]:
    return set(item["properties"]["genre"])


def test_several_candidate_sources_are_merged_in_one_request(client: Client) -> None:
    answer = client.recommend(user_id="196", surface="all", limit=50, debug=True).json
    offered = answer["debug"]["sources"]
    assert {one["source"] for one in offered if one["offered"]} >= {
        "vector", "cooccurrence", "segment", "latest", "similar", "popularity", "ours", "mine"
    }  # fmt: skip
    assert len({item["item_id"] for item in answer["items"]}) == 50
    assert len({item["source"] for item in answer["items"]}) > 1
    assert answer["degraded"] == []


def test_a_source_that_is_late_or_broken_costs_its_offer_and_is_told(client: Client) -> None:
    answer = client.recommend(user_id="196", surface="slow").json
    assert len(answer["items"]) == 20
    assert {item["source"] for item in answer["items"]} == {"popularity"}
    assert sorted(part["reason"] for part in answer["degraded"]) == [
        "source_failed:broken",
        "source_late:sleepy",
    ]


def test_attribute_caps_and_windows_hold_in_the_slate_or_are_told(client: Client) -> None:
    kept: list[str] = []
    for user in ("1", "22", "196", "405"):
        answer = client.recommend(user_id=user, surface="ruled", seed=3).json
        items = answer["items"]
        assert len(items) == 20
        assert answer["degraded"] == []
        if "cap genre:Drama" not in answer.get("relaxed", []):
            kept.append(user)
            assert sum("Drama" in genres(item) for item in items) <= 2
        comic = [place for place, item in enumerate(items) if "Comedy" in genres(item)]
        assert all(after - before >= 3 for before, after in pairwise(comic))
    assert len(kept) >= 2


def test_what_is_promoted_gets_its_share(client: Client) -> None:
    items = client.recommend(user_id="22", surface="ruled", seed=3).json["items"]
    assert sum(item["properties"]["year"] < 1960 for item in items) >= 4


def test_pin_boost_and_promote_on_request(client: Client) -> None:
    plain = client.recommend(user_id="196", diversity=0, seed=1, deadline_ms=9000).json["items"]
    last = plain[-1]["item_id"]
    pinned = client.recommend(
        user_id="196", diversity=0, seed=1, pin={"0": last, "3": "1500"}, deadline_ms=9000
    ).json
    ids = [item["item_id"] for item in pinned["items"]]
    assert (ids[0], ids[3]) == (last, "1500")
    assert pinned["items"][3]["source"] == "pin"
    assert pinned["items"][3]["reason"] == "our choice"
    assert len(set(ids)) == 20
    western = [item["item_id"] for item in plain if "Western" in genres(item)]
    boosted = client.recommend(
        user_id="196", diversity=0, boost={"genre:Western": 50}, deadline_ms=9000
    ).json["items"]
    assert sum("Western" in genres(item) for item in boosted) > len(western)


@pytest.mark.parametrize(
    ("wish", "path"),
    [
        ({"pin": {"0": "no-such-item"}}, "$.pin.0"),
        ({"pin": {"0": "50", "2": "50"}}, "$.pin.2"),
        ({"boost": {"genre:Operetta": 2}}, "$.boost.genre:Operetta"),
        ({"boost": {"mood:Happy": 2}}, "$.boost.mood:Happy"),
        ({"after": "AAAA"}, "$.after"),
    ],
)
def test_a_wish_that_the_catalogue_cannot_meet_is_refused_with_its_place(
    client: Client, wish: dict[str, Any], path: str
) -> None:
    reply = client.post("/v1/recommendations", {"user_id": "196", **wish})
    assert (reply.status in (400, 422), reply.json["path"]) == (True, path)
    batch = client.post("/v1/recommendations/batch", {"queries": [{"user_id": "1", **wish}]})
    assert batch.json["path"] == path.replace("$", "$.queries[0]")


def test_pages_follow_on_each_other_without_a_repeat(client: Client) -> None:
    shown: list[str] = []
    after = None
    for _ in range(8):
        page = client.recommend(user_id="22", limit=20, deadline_ms=9000, after=after).json
        shown += [item["item_id"] for item in page["items"]]
        after = page["next"]
    assert len(shown) == len(set(shown)) == 160


def test_the_last_page_has_no_next(client: Client) -> None:
    few = client.recommend(user_id="22", filter="genre = 'Western' and year < 1960").json
    assert len(few["items"]) < 20
    assert "next" not in few


def test_the_same_seed_gives_the_same_slate_and_others_explore(client: Client) -> None:
    def slate(seed: int) -> list[str]:
        return client.recommend(user_id="405", surface="ruled", seed=seed).ids

    assert slate(5) == slate(5)
    assert len({tuple(slate(seed)) for seed in range(8)}) > 4


def test_seen_and_served_items_make_room(client: Client) -> None:
    user = next(_visitors)
    events(client, {"user_id": user, "item_id": "50"}, {"user_id": user, "item_id": "181"})
    first = client.recommend(user_id=user, surface="shown", seed=1).ids
    assert not {"50", "181"} & set(first)

    def rotated() -> bool:
        return not set(client.recommend(user_id=user, surface="shown", seed=1).ids) & set(first)

    until(rotated, 10)


def test_reported_impressions_count_as_shown(client: Client) -> None:
    user = next(_visitors)
    events(client, {"user_id": user, "item_id": "50"})
    top = client.recommend(user_id=user, surface="shown", seed=1, limit=1).ids[0]
    for _ in range(2):
        events(client, {"user_id": user, "item_id": top, "type": "impression"})
    assert top not in client.recommend(user_id=user, surface="shown", seed=1).ids


def test_a_disliked_item_is_not_shown_and_is_no_taste(client: Client) -> None:
    liked, both = next(_visitors), next(_visitors)
    for user in (liked, both):
        events(client, {"user_id": user, "item_id": "50"})
    before = client.recommend(user_id=liked, seed=1, deadline_ms=9000).ids
    disliked = before[0]
    events(client, {"user_id": both, "item_id": disliked, "type": "dislike"})
    after = client.recommend(user_id=both, seed=1, deadline_ms=9000).ids
    assert disliked not in after
    assert len(set(before) & set(after)) > 10  # the same taste as before


def test_what_was_consumed_comes_again_where_the_surface_allows_it(client: Client) -> None:
    user = next(_visitors)
    events(client, *({"user_id": user, "item_id": item} for item in ("50", "181", "172")))
    answer = client.recommend(user_id=user, surface="again").json
    assert {item["item_id"] for item in answer["items"]} == {"50", "181", "172"}
    assert {item["source"] for item in answer["items"]} == {"again"}
    for _ in range(4):
        events(client, {"user_id": user, "item_id": "181"})
    events(client, {"user_id": user, "item_id": "172"})
    debug = client.recommend(user_id=user, surface="again", debug=True).json["debug"]
    [scores] = [{item["item_id"]: item["provenance"][0]["score"] for item in debug["items"]}]
    assert scores["181"] > scores["172"] > scores["50"]


def test_popular_trending_and_latest_follow_the_events_within_moments(client: Client) -> None:
    user = next(_visitors)
    for item, times in (("1000", 9), ("1001", 5), ("1002", 2)):
        for _ in range(times):
            events(client, {"user_id": next(_visitors), "item_id": item})

    def trending() -> bool:
        ids = client.recommend(user_id=user, surface="trends", diversity=0).ids
        return [item for item in ids if item in {"1000", "1001", "1002"}] == [
            "1000",
            "1001",
            "1002",
        ]

    until(trending, 10)


def test_ab_experiments_deal_users_to_arms_and_keep_them_there(client: Client) -> None:
    arms = Counter[str]()
    for number in range(60):
        answers = [client.recommend(user_id=f"arm-{number}", surface="halves") for _ in range(2)]
        variants = {answer.json["variant"] for answer in answers}
        assert len(variants) == 1
        [variant] = variants
        assert {len(answer.ids) for answer in answers} == {3 if variant == "short" else 20}
        arms[variant] += 1
    assert set(arms) == {"short", "control"}
    assert min(arms.values()) > 15
    listed = client.get("/v1/experiments").json
    assert "halves" in str(listed)


def test_an_interleaved_slate_is_drafted_from_both_arms(client: Client) -> None:
    shown: list[str] = []
    after = None
    for _ in range(4):
        page = client.recommend(user_id="22", surface="drafted", seed=4, after=after).json
        assert page["variant"] == "popular"
        shown += [item["item_id"] for item in page["items"]]
        after = page["next"]
    assert len(shown) == len(set(shown)) == 80


def test_a_batch_says_what_single_requests_say_of_every_surface(client: Client) -> None:
    queries = [
        {"user_id": "22", "surface": name, "seed": 9}
        for name in ("all", "ruled", "again", "halves", "home")
    ]
    singles = [client.recommend(**query).json for query in queries]
    batch = client.post("/v1/recommendations/batch", {"queries": queries, "deadline_ms": 9000})
    for single, batched in zip(singles, batch.json["slates"], strict=True):
        del single["request_id"], batched["request_id"]
        assert batched == single


def test_events_tell_what_came_late_or_from_the_future(client: Client) -> None:
    user, day_ms = next(_visitors), 86_400_000
    now_ms = int(time.time() * 1e3)
    reply = events(
        client,
        {"user_id": user, "item_id": "1", "timestamp_ms": now_ms - 3 * day_ms},
        {"user_id": user, "item_id": "2", "timestamp_ms": now_ms + 3 * day_ms},
        {"user_id": user, "item_id": "3", "type": "rating", "value": 4},
        {"user_id": user, "item_id": "4", "type": "custom", "name": "shared", "weight": 3},
    )
    assert {key: reply.json[key] for key in ("received", "stored", "late", "ahead")} == {
        "received": 4, "stored": 4, "late": 1, "ahead": 1
    }  # fmt: skip
    bad = client.post("/v1/events", {"events": [{"user_id": "u", "item_id": "1", "value": 3}]})
    assert (bad.status, bad.json["path"]) == (422, "$.events[0]")
