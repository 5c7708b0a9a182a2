"""From arrays to what a client reads: each pick named, with where it came from and why."""

from typing import Any

import msgspec
import numpy as np
import pytest

from features.trust import Trust
from features.types import Candidates, Context, FeatureBlock, Query, Slate
from ranking.catalogue import Catalogue
from ranking.columns import SOURCE_NAMES
from ranking.surfaces import Surface
from service.answer import Answer
from service.experiments.choose import Choice
from service.http.answers import slate_answer
from service.observe.spans import Trace
from service.state import Serving
from service.surfaces.plan import Plan
from tests.ranking.snapshots import snapshot

NAN = float("nan")
NOBODY, NO_SCORES = np.empty(0, np.int64), np.empty(0, np.float32)


@pytest.fixture(scope="module")
def serving() -> Serving:
    known: list[dict[str, Any]] = [{"title": "Star Wars", "genre": ["Action"]}, {"title": "Alien"}]
    catalogue = Catalogue(("50", "183", "x", "y", "z", "w"), (*known, {}, {}, {}, {}))
    return Serving.of(snapshot(6, catalogue=catalogue), near_cache_mib=0, trust=Trust())


def plan(serving: Serving) -> Plan:
    return serving.plans.of("home", Choice(Surface()))


def answer(
    serving: Serving,
    picks: list[int],
    present: list[bool] | None = None,
    brought: tuple[str, ...] = (),
) -> Answer:
    """Return the answer that picked these of the first four items; each has a source of its own."""
    items = np.arange(4)
    scores = np.array(
        [[9, NAN, NAN], [NAN, 5, NAN], [NAN, NAN, 1], [8, NAN, NAN]], dtype=np.float32
    )
    chosen = np.array(picks, np.int64)
    return Answer(
        Query(candidates=brought),
        plan(serving),
        None,
        Context(NO_SCORES, False, NOBODY, NOBODY),
        Candidates(items, scores, np.array([1, 0, 0, -1]), SOURCE_NAMES),
        FeatureBlock(items, np.zeros((4, 1), np.float32), np.array(present or [True] * 4)),
        np.zeros(4, np.float32),
        Slate(chosen, np.linspace(3, 1, len(picks), dtype=np.float32)),
    )


def test_every_pick_is_named_in_order_with_source_and_reason(serving: Serving) -> None:
    made = slate_answer("r-1", answer(serving, [2, 0, 1, 3]), serving, Trace())
    assert (made.request_id, made.model_version) == ("r-1", "made by hand")
    assert [(item.item_id, item.source, item.reason) for item in made.items] == [
        ("x", "popularity", "popular right now"),
        ("50", "vector", "because of Alien"),
        ("183", "cooccurrence", "because of Star Wars"),
        ("y", "vector", "close to your taste"),
    ]
    scores = [item.score for item in made.items]
    assert scores == sorted(scores, reverse=True)


def test_the_properties_go_out_as_they_are_in_the_catalogue(serving: Serving) -> None:
    made = slate_answer("r-1", answer(serving, [0, 2]), serving, Trace())
    sent = msgspec.json.decode(msgspec.json.encode(made))
    assert [item["properties"] for item in sent["items"]] == [
        {"title": "Star Wars", "genre": ["Action"]},
        {},
    ]


def test_a_cause_without_a_title_is_named_by_its_id(serving: Serving) -> None:
    plain = answer(serving, [0])
    plain.candidates.because[0] = 2
    [item] = slate_answer("r-1", plain, serving, Trace()).items
    assert item.reason == "because of x"


def test_coverage_tells_the_share_of_stored_rows_and_of_known_candidates(serving: Serving) -> None:
    brought = ("50", "183", "x", "y", "50", *(f"unknown {number}" for number in range(12)))
    shown = answer(serving, [0], [True, False, True, True], brought)
    partly = slate_answer("r", shown, serving, Trace())
    assert (partly.coverage.features, partly.coverage.scored) == (0.75, 0.25)
    excluded = slate_answer(
        "r", answer(serving, [0], None, ("50", "50", "183", "w")), serving, Trace()
    )
    assert excluded.coverage.scored == 1.0
    whole = slate_answer("r", answer(serving, [0]), serving, Trace())
    assert (whole.coverage.features, whole.coverage.scored) == (1.0, 1.0)


def test_an_empty_slate_is_an_answer(serving: Serving) -> None:
    empty = Answer(
        Query(),
        plan(serving),
        None,
        Context(NO_SCORES, False, NOBODY, NOBODY),
        Candidates(NOBODY, np.empty((0, 3), np.float32), NOBODY, SOURCE_NAMES),
        FeatureBlock(NOBODY, np.empty((0, 1), np.float32), np.empty(0, np.bool_)),
        NO_SCORES,
        Slate(NOBODY, NO_SCORES),
    )
    made = slate_answer("r", empty, serving, Trace())
    assert (made.items, made.coverage.features) == ([], 1.0)


def test_what_fell_back_is_told(serving: Serving) -> None:
    trace = Trace()
    trace.degrade("context", "store_down")
    [part] = slate_answer("r", answer(serving, [0]), serving, trace).degraded
    assert (part.stage, part.reason) == ("context", "store_down")
