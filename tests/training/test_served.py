"""Features as served come back to training to the bit, labelled by what users then did."""

import asyncio
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from redis import Redis

from features.address import Address
from features.events import Event
from features.served_features import ServedFeatures
from features.store import FeatureStore
from features.types import Query, Slate
from ranking.assemble import assemble
from ranking.experiments import CONTROL
from ranking.rerank import fill
from ranking.retrieval import retrieve
from ranking.scorers import LinearScorer
from ranking.snapshot import Snapshot
from ranking.surfaces import Surface
from service.answer import Answer
from service.filters import Filters
from service.logs.features import FeatureLog
from service.surfaces.plan import Plan
from tests.features.served import draw
from tests.training.streams import log_event, log_features
from tests.training.worlds import small_world
from training.datasets.errors import DataError
from training.fit import fit
from training.logs.export import export
from training.ranker import lambdamart
from training.replay import context_of
from training.served import LARGEST_LABEL, read_served
from training.train import learn

WORLD = small_world()
NOW_MS = 1_700_000_000_000


def answered(user: int, snapshot: Snapshot) -> Answer:
    """Go through the stages as a request does."""
    context = context_of(WORLD, WORLD.interactions, user)
    plan = Plan.of("home", CONTROL, Surface(), snapshot, Filters(snapshot.catalogue.properties))
    candidates = retrieve(context, snapshot)
    item_rows = snapshot.item_rows[candidates.items]
    block = assemble(context, candidates, item_rows, np.ones(len(item_rows), np.bool_), snapshot)
    scores = snapshot.scorer(block.rows)
    picks = fill(block.items, scores, snapshot.directions, 8, 0.3, 30)
    slate = Slate(picks, scores[picks])
    query = Query(user_id=WORLD.user_ids[user])
    return Answer(query, plan, None, context, candidates, block, scores, slate)


def test_features_as_served_are_logged_for_training(
    address: Address, client: Redis, tmp_path: Path
) -> None:
    made = fit(WORLD, WORLD.interactions, seed=1)
    weights = np.random.default_rng(0).normal(size=len(made.columns))
    snapshot = replace(made, scorer=LinearScorer(weights, 0.0, made.columns))
    answers = {f"request-{user}": answered(user, snapshot) for user in range(12)}

    async def serve() -> None:
        store = FeatureStore(address, 30, 100)
        await store.open()
        log = FeatureLog(store, 1.0)
        for request_id, answer in answers.items():
            log.note(request_id, NOW_MS, answer, snapshot)
        await log.appender.close()
        await store.append_events(
            [
                Event(
                    str(answer.query.user_id), chosen(answer, 2), "click", NOW_MS + 5000, None, name
                )
                for name, answer in answers.items()
            ]
        )
        await store.close()

    def chosen(answer: Answer, place: int) -> str:
        return snapshot.catalogue.ids[int(answer.block.items[answer.slate.picks[place]])]

    asyncio.run(serve())
    export(client, tmp_path)
    found = read_served(tmp_path)
    assert found.columns == snapshot.scorer.columns
    assert found.requests.tolist() == [8] * 12
    low = 0
    for answer in answers.values():
        shown = np.sort(answer.slate.picks)  # in the order of the candidates
        assert found.rows[low : low + 8].tobytes() == answer.block.rows[shown].tobytes()
        labels = found.labels[low : low + 8]
        assert labels.tolist() == (2 * (shown == answer.slate.picks[2])).tolist()
        low += 8
    assert "tree" in lambdamart(found, seed=1)


def exported(
    client: Redis, folder: Path, served: list[ServedFeatures], events: list[Event]
) -> Path:
    log_features(client, *served)
    for event in events:
        log_event(client, event)
    export(client, folder)
    return folder


def one(**said: object) -> ServedFeatures:
    told = {"request_id": "r", "user_id": "u", "picks": (0, 1, 2)} | said
    return draw(1, 5, 7, **told)


def event(place: int, kind: str, after_s: float = 1.0, **said: object) -> Event:
    served = one()
    item = served.head.item_ids[place]
    return Event("u", item, kind, int(served.head.timestamp_ms + 1000 * after_s), **said)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("events", "labels"),
    [
        ([event(1, "click", request_id="r")], [0, 2, 0]),
        ([event(1, "view", request_id="r"), event(2, "purchase", request_id="r")], [0, 1, 5]),
        ([event(0, "view", request_id="r"), event(0, "click", request_id="r")], [2, 0, 0]),
        ([event(2, "custom", request_id="r", weight=3.0)], [0, 0, 3]),
        ([event(2, "custom", request_id="r", weight=900.0)], [0, 0, LARGEST_LABEL]),
        (
            [event(0, "click", request_id="r"), event(1, "purchase"), event(1, "dislike")],
            [2, 0, 0],
        ),
        ([event(0, "click", request_id="r"), event(1, "dislike"), event(1, "click")], [2, 0, 0]),
        ([event(0, "impression"), event(1, "click", after_s=1799)], [0, 2, 0]),
    ],
)
def test_a_label_is_what_the_item_earned(
    client: Redis, tmp_path: Path, events: list[Event], labels: list[int]
) -> None:
    found = read_served(exported(client, tmp_path, [one()], events))
    assert found.labels.tolist() == labels
    assert found.rows.tobytes() == one().rows[:3].tobytes()


@pytest.mark.parametrize(
    "stray",
    [
        event(1, "click", request_id="another"),
        event(1, "click", after_s=1801),
        event(1, "click", after_s=-5),
        event(3, "click"),  # scored, not shown
        event(1, "impression"),
    ],
)
def test_what_belongs_to_no_slate_teaches_nothing(
    client: Redis, tmp_path: Path, stray: Event
) -> None:
    with pytest.raises(DataError, match="in no logged request"):
        read_served(exported(client, tmp_path, [one()], [stray]))


def test_an_event_without_a_request_is_credited_to_the_last_slate_before_it(
    client: Redis, tmp_path: Path
) -> None:
    start = one().head.timestamp_ms
    slates = [one(request_id=f"r{k}", timestamp_ms=start + 60_000 * k) for k in range(3)]
    slates += [one(request_id="other", user_id=None)]
    found = read_served(exported(client, tmp_path, slates, [event(1, "click", after_s=100)]))
    assert found.requests.tolist() == [3]
    shown = [event(0, "view", request_id=f"r{k}") for k in range(3)]
    both = read_served(exported(client, tmp_path, [], shown))
    assert both.labels.reshape(3, 3).tolist() == [[1, 0, 0], [1, 2, 0], [1, 0, 0]]


def test_columns_are_checked_against_the_log_s(client: Redis, tmp_path: Path) -> None:
    clicked = [event(1, "click", request_id="r")]
    folder = exported(client, tmp_path, [one()], clicked)
    found = read_served(folder, ["f.6", "f.0"])
    assert found.columns == ("f.6", "f.0")
    np.testing.assert_array_equal(found.rows, one().rows[:3, [6, 0]])
    with pytest.raises(DataError, match=r"lacks f\.9; it was logged under a model of other"):
        read_served(folder, ["f.0", "f.9"])
    wider = draw(2, n=5, width=9, request_id="w", user_id="u")
    with pytest.raises(DataError, match=r"lacks f\.7, f\.8"):
        read_served(exported(client, tmp_path, [wider], []))


def test_an_empty_folder_is_told_with_the_remedy(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="--log-features"):
        read_served(tmp_path)


def test_a_model_learns_from_what_was_served_too(client: Redis, tmp_path: Path) -> None:
    columns = fit(WORLD, WORLD.interactions, seed=1).columns
    rng = np.random.default_rng(5)
    slates = [
        draw(number, 40, len(columns), columns=columns, request_id=f"r{number}", user_id="u")
        for number in range(60)
    ]
    slates = [replace(one, rows=rng.normal(size=one.rows.shape).astype("f4")) for one in slates]
    year = columns.index("item.year")
    clicks = []
    for one in slates:  # of ten, people always take the one with the largest "year"
        said, years = one.head, one.rows[:, year].tolist()
        best = max(said.picks, key=years.__getitem__)
        clicks.append(
            Event("u", said.item_ids[best], "click", said.timestamp_ms, None, said.request_id)
        )
    folder = exported(client, tmp_path / "logs", slates, clicks)
    plain, _ = learn(WORLD, WORLD.interactions)
    told, _ = learn(WORLD, WORLD.interactions, served=folder)
    rows = rng.normal(size=(500, len(columns))).astype(np.float32)
    likes = [np.corrcoef(made.scorer(rows), rows[:, year])[0, 1] for made in (plain, told)]
    assert likes[1] > likes[0] + 0.3
    with pytest.raises(DataError, match=r"lacks attributes\.session"):
        learn(WORLD, WORLD.interactions, live=True, served=folder)
