"""Objectives: the model alone costs nothing and changes nothing; several are added up."""

from dataclasses import replace
from typing import Any

import msgspec
import numpy as np
import pytest

from features.types import Context, Live, Rows, Scores
from ranking.columns import LIVE, WINDOWS
from ranking.objectives import Objectives, ScoringSettings, available, check_scoring
from ranking.scorers import LinearScorer
from ranking.snapshot import Snapshot
from tests.ranking import plain
from tests.ranking.snapshots import COLUMNS, context, snapshot

ITEMS = np.arange(0, 50, 2)
N = len(ITEMS)


def linear(seed: int) -> LinearScorer:
    rng = np.random.default_rng(seed)
    return LinearScorer(rng.normal(size=len(COLUMNS)), 0.5, COLUMNS)


MADE = snapshot(scorer=linear(1), rankers={"long": linear(2), "margin": linear(3)})
ROWS = np.random.default_rng(4).normal(size=(N, len(COLUMNS))).astype(np.float32)


def newest_first(user: dict[str, float], items: dict[str, list[float]]) -> list[float]:
    """Score of one's own: what a surface names as module:function."""
    return [year + 0 * user["user.age"] for year in items["item.year"]]


def alive(seed: int = 5) -> Context:
    rng = np.random.default_rng(seed)
    impressions, clicks = rng.integers(0, 40, (2, len(WINDOWS), 50)).astype(np.float32)
    nobody = np.empty(0, np.int64)
    trend = rng.random(50).astype(np.float32)
    return replace(context(1, 2), live=Live(impressions, clicks, trend, nobody))


def scored(
    objectives: dict[str, float],
    shares: int = 1,
    asker: Context | None = None,
    made: Snapshot = MADE,
    rows: Rows = ROWS,
) -> Scores:
    ready = Objectives.of(ScoringSettings(objectives=objectives), made)
    values = ready.room(N)
    for part in np.array_split(np.arange(N), shares):
        for place, ranker in enumerate(ready.rankers):
            values[place, part] = ranker(np.ascontiguousarray(rows[part]))
    return ready.total(values, asker or alive(), ITEMS, made.item_rows[ITEMS])


def test_the_model_alone_keeps_its_scores_bit_for_bit() -> None:
    ready = Objectives.of(ScoringSettings(), MADE)
    assert ready.one_ranker_alone
    assert ready.rankers == (MADE.scorer,)
    assert ready.rows_per_block == MADE.scorer.rows_per_block
    assert scored({"model": 1.0}).tobytes() == MADE.scorer(ROWS).tobytes()
    assert scored({"model": 1.0, "trend": 0.0}).tobytes() == MADE.scorer(ROWS).tobytes()


def test_several_objectives_weighted_are_a_sum_of_standardised_scores() -> None:
    weights = {"long": 0.5, "model": 1.0, "trend": 2.0, "item.year": -0.25, "ctr": 3.0}
    live = alive().live
    assert live is not None
    columns = dict(zip(LIVE, plain.live_columns(live, ITEMS).T, strict=True))
    values = (
        MADE.rankers["long"](ROWS),
        MADE.scorer(ROWS),
        columns["live.trend"],
        MADE.item_rows[ITEMS, 0],
        columns[f"live.ctr.{WINDOWS[-1]}"],
    )
    expected = plain.blend(np.stack(values), np.array([*weights.values()]))
    np.testing.assert_allclose(scored(weights), expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("shares", [2, 3, 25])
def test_shares_give_the_same_bits_as_one_thread(shares: int) -> None:
    weights = {"model": 1.0, "margin": -0.3, f"{__name__}:newest_first": 0.1, "trend": 0.2}
    assert scored(weights, shares).tobytes() == scored(weights).tobytes()


def test_a_function_of_one_s_own_is_an_objective() -> None:
    found = scored({f"{__name__}:newest_first": 1.0})
    assert found.tolist() == ROWS[:, COLUMNS.index("item.year")].tolist()


def test_an_objective_that_tells_nobody_apart_adds_nothing() -> None:
    alone = scored({"model": 2.0})
    same = replace(MADE, item_rows=np.full_like(MADE.item_rows, 0.1))
    assert scored({"model": 2.0, "item.year": 5.0}, made=same).tobytes() == alone.tobytes()
    stranger = replace(alive(), live=None)
    assert scored({"model": 2.0, "trend": 9, "ctr": 9}, asker=stranger).tobytes() == alone.tobytes()


def test_what_is_no_number_comes_last_and_moves_nobody_else() -> None:
    poisoned = ROWS.copy()
    poisoned[3] = np.nan
    found = scored({"model": 1.0, "long": 1.0}, rows=poisoned)
    assert np.isnan(found[3])
    assert np.isfinite(np.delete(found, 3)).all()


def test_no_candidates_have_no_scores() -> None:
    ready = Objectives.of(ScoringSettings(objectives={"model": 1.0, "ctr": 1.0}), MADE)
    nobody = ITEMS[:0]
    assert len(ready.total(ready.room(0), alive(), nobody, MADE.item_rows[nobody])) == 0


@pytest.mark.parametrize(
    ("name", "complaint"),
    [
        ("modle", "there is no objective 'modle'; did you mean 'model'"),
        ("item.yaer", "did you mean 'item.year'"),
        ("clicks", "there are model, long, margin, trend, ctr, item.year"),
        ("tests.ranking.nowhere:score", "cannot import 'tests.ranking.nowhere'"),
        (f"{__name__}:older", "has no function 'older'"),
    ],
)
def test_a_name_that_is_none_is_told_with_what_is_near(name: str, complaint: str) -> None:
    settings = ScoringSettings(objectives={"model": 1.0, name: 0.5})
    [found] = check_scoring(settings, MADE)
    assert complaint in found
    with pytest.raises(ValueError, match=r"objective|scorer"):
        Objectives.of(settings, MADE)


def test_every_available_name_is_taken() -> None:
    settings = ScoringSettings(objectives=dict.fromkeys(available(MADE), 1.0))
    assert check_scoring(settings, MADE) == []
    assert "weight 0" in check_scoring(ScoringSettings(objectives={"model": 0.0}), MADE)[0]


@pytest.mark.parametrize(
    "table",
    [
        {"objectives": {}},
        {"objectives": {"model": float("nan")}},
        {"light_keeps": 0},
        {"lights": 1},
    ],
)
def test_settings_that_cannot_be_meant_are_refused(table: dict[str, Any]) -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert(table, ScoringSettings)


def test_a_ranker_of_other_columns_has_no_place_in_a_snapshot() -> None:
    with pytest.raises(ValueError, match="'odd' has other columns"):
        replace(MADE, rankers={"odd": LinearScorer(np.ones(1), 0.0, COLUMNS[:1])})


def test_ranking_at_request_time_follows_what_is_known_then() -> None:
    weights = {"model": 1.0, "trend": 5.0}
    live = alive().live
    assert live is not None
    for place in (0, 7, N - 1):
        trend = np.zeros(50, np.float32)
        trend[ITEMS[place]] = 3.0  # since a moment ago
        now = replace(alive(), live=replace(live, trend=trend))
        assert scored(weights, asker=now).argmax() == place
