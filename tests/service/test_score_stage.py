"""The score stage: whole where there is time, else the best first and the others behind them."""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from features.trust import Trust
from features.types import Query, Scores
from ranking.artifact import read
from ranking.retrieval.fuse import fuse
from ranking.surfaces.parse import parse
from ranking.topk import top_k
from service.asides import Asides
from service.effort import FEWER_ROWS, Effort
from service.observe.spans import Trace
from service.stages import Means, candidates_of, context_of, last_known, scores_of, slate_of
from service.stages import pieces as module
from service.stages.features import block_of
from service.state import Serving
from service.surfaces.plan import Plan

SURFACES = """\
[surfaces.plain]
[surfaces.mixed.scoring]
objectives = { model = 1.0, popularity_of_old = 0.0 }
[surfaces.own.scoring]
objectives = { model = 1.0, "tests.service.test_score_stage:by_row" = 0.5 }
[surfaces.loops.scoring]
objectives = { "tests.service.test_score_stage:loops" = 1.0 }
[surfaces.counted.scoring]
objectives = { trend = 1.0 }
""".replace("popularity_of_old = 0.0", '"tests.service.test_score_stage:by_row" = 1.0')


def by_row(_user: dict[str, float], items: dict[str, list[float]]) -> list[float]:
    """Score each row by itself alone."""
    first = items[next(iter(items))]
    return [value * 3 + 1 for value in first]


def loops(*_: Any) -> list[float]:
    """Never come back."""
    while True:
        pass


@pytest.fixture(scope="module")
def serving(artifacts: Path) -> Serving:
    return Serving.of(read(next(artifacts.iterdir())), 0, Trust())


@pytest.fixture(scope="module")
def asides() -> Iterator[Asides]:
    asides = Asides()
    yield asides
    asides.close()


class Values:
    """What the stages before gave this one."""

    def __init__(self, serving: Serving, name: str) -> None:
        plans = {plan.name: plan for plan in serving.plans.make(parse(SURFACES))}
        self.plan: Plan = plans[name]
        self.serving = serving
        ids = tuple(serving.snapshot.catalogue.ids[100:1100])
        self.query = Query(session=("50", "181", "1"), candidates=ids, limit=10, seed=3)
        self.context = context_of(self.query, self.plan, None, serving, 1e9)
        means = Means(Trace())
        self.candidates = candidates_of(self.query, self.plan, self.context, serving, means)
        rows = last_known(self.candidates.items, serving)
        self.stored = rows
        present = np.ones(len(rows), np.bool_)
        self.block = block_of(self.plan, self.context, self.candidates, (rows, present), serving)

    def score(self, means: Means) -> Scores:
        return scores_of(
            self.plan,
            self.context,
            self.candidates,
            self.block,
            self.stored,
            self.serving,
            means,
        )


@pytest.fixture(params=["plain", "mixed", "own"])
def values(request: pytest.FixtureRequest, serving: Serving) -> Values:
    return Values(serving, request.param)


def trace_of(deadline_ms: float) -> Trace:
    trace = Trace()
    trace.expire_in(deadline_ms)
    return trace


def test_pieces_in_any_order_of_rows_give_the_bits_of_one_call(
    values: Values, asides: Asides, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = values.score(Means(Trace()))
    monkeypatch.setattr(module, "PIECE_NS", 1.0)
    assert values.score(Means(Trace())).tobytes() == whole.tobytes()
    monkeypatch.setattr("service.stages.score.HURRY", 0.0)  # the best of the light phase first
    trace = trace_of(10_000)
    assert values.score(Means(trace, asides=asides)).tobytes() == whole.tobytes()
    assert (trace.degraded, trace.scored) == ([], 1.0)


def test_past_the_deadline_the_order_is_the_light_phases(values: Values) -> None:
    trace = trace_of(0.0001)
    scores = values.score(Means(trace))
    light = fuse(values.candidates, values.plan.light_weights)
    assert top_k(scores, 50).tolist() == top_k(light, 50).tolist()
    assert (trace.degraded, trace.scored) == ([("score", "deadline")], 0.0)


def test_what_the_clock_cut_off_stands_behind_what_was_scored(
    values: Values, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole, looks = values.score(Means(Trace())), 0

    def clock(real: Any = time.perf_counter_ns) -> Any:
        nonlocal looks
        looks += 1
        return real() if looks <= 3 else 1 << 62  # three pieces, then it strikes

    monkeypatch.setattr(module, "PIECE_NS", 1.0)
    monkeypatch.setattr(module, "perf_counter_ns", clock)
    monkeypatch.setattr("service.stages.score.HURRY", 0.0)
    trace = trace_of(10_000)
    scores = values.score(Means(trace))
    light = fuse(values.candidates, values.plan.light_weights)
    n, first = len(scores), top_k(light, 3 * values.plan.objectives.rows_per_block)
    assert trace.degraded == [("score", "deadline")]
    assert trace.scored == len(first) / n
    rest = np.setdiff1d(np.arange(n), first)
    assert scores[first].min() > scores[rest].max()
    assert rest[top_k(scores[rest], 9)].tolist() == rest[top_k(light[rest], 9)].tolist()
    if values.plan.objectives.one_ranker_alone:
        assert scores[first].tobytes() == whole[first].tobytes()


def test_fewer_are_scored_under_overload_and_it_is_told(values: Values) -> None:
    trace = Trace()
    scores = values.score(Means(trace, effort=Effort.FEWER))
    light = fuse(values.candidates, values.plan.light_weights)
    n, best = len(scores), top_k(light, FEWER_ROWS)
    assert n > FEWER_ROWS
    assert set(top_k(scores, FEWER_ROWS).tolist()) == set(best.tolist())
    assert (trace.degraded, trace.scored) == ([("score", "overload")], FEWER_ROWS / n)


def test_the_light_phase_alone_calls_no_scorer(serving: Serving) -> None:
    values, trace = Values(serving, "loops"), Trace()
    scores = values.score(Means(trace, effort=Effort.LIGHT))
    light = fuse(values.candidates, values.plan.light_weights)
    assert scores.tobytes() == light.tobytes()
    assert (trace.degraded, trace.scored) == ([("score", "overload")], 0.0)


def test_what_no_model_scores_is_left_alone(serving: Serving) -> None:
    trace = trace_of(0.0001)
    Values(serving, "counted").score(Means(trace, effort=Effort.LIGHT))
    assert (trace.degraded, trace.scored) == ([], 1.0)


def test_a_scorer_that_loops_is_struck_and_the_slate_goes_out(
    serving: Serving, asides: Asides
) -> None:
    values, trace = Values(serving, "loops"), trace_of(50)
    means = Means(trace, asides=asides)
    scores = values.score(means)
    assert (trace.degraded, trace.scored) == ([("score", "deadline")], 0.0)
    slate = slate_of(
        values.query, values.plan, values.context, values.block, scores, serving, means
    )
    assert len(slate.picks) == 10


@pytest.mark.parametrize(
    "said", [np.zeros(5, np.float32), np.zeros(1, np.float32), np.zeros((5, 1)), np.float64(1)]
)
def test_a_scorer_whose_answer_is_not_one_float32_per_row_is_refused(
    serving: Serving, said: Any
) -> None:
    values = Values(serving, "plain")
    scorer: Any = lambda _rows: said  # noqa: E731  what it lacks of a scorer is not asked for
    with pytest.raises(TypeError, match="a scorer returned"):
        module.score_pieces([scorer], values.block.rows, 1, 1.0, 1e30, Means(Trace()))
