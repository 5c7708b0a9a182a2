"""Columns that move from minute to minute: what they say, and that others do not pay for them."""

from dataclasses import replace

import numpy as np
import pytest

from features.live import WINDOWS_S
from features.types import Context, Live
from ranking.assemble import assemble
from ranking.columns import CROSS, EXTRA, FRESH, LIVE, WINDOWS
from ranking.retrieval import retrieve
from ranking.snapshot import Snapshot
from tests.ranking import plain
from tests.ranking.snapshots import COLUMNS, Indifferent, context, ordinals, snapshot

HOUR = 3600.0
ALL = (*COLUMNS, *EXTRA)
SECONDS = {"h": 3600, "d": 86_400}


def asker() -> Context:
    rng = np.random.default_rng(2)
    impressions, clicks = rng.integers(0, 50, (2, len(WINDOWS), 50)).astype(np.float32)
    trend = (9 * rng.random(50)).astype(np.float32)
    live = Live(impressions, clicks, trend, ordinals())
    ages = np.array([60, 1800, 2 * HOUR, 24 * 7 * HOUR + 60], np.float32)
    return replace(context(3, 17, 8, 21), live=live, ages_s=ages)


def column(name: str, who: Context, made: Snapshot) -> list[float]:
    candidates = retrieve(who, made)
    item_rows = made.item_rows[candidates.items]
    block = assemble(who, candidates, item_rows, np.ones(len(item_rows), np.bool_), made)
    values: list[float] = block.rows[:, made.scorer.columns.index(name)].tolist()
    return values


WIDE = snapshot(scorer=Indifferent(ALL))
ITEMS = retrieve(asker(), WIDE).items


def test_the_windows_are_those_in_which_events_are_counted() -> None:
    assert tuple(int(name[:-1]) * SECONDS[name[-1]] for name in WINDOWS) == WINDOWS_S


def test_windowed_counters_and_click_through_rates_are_columns() -> None:
    live = asker().live
    assert live is not None
    for name, expected in zip(LIVE, plain.live_columns(live, ITEMS).T, strict=True):
        np.testing.assert_allclose(column(name, asker(), WIDE), expected, rtol=1e-6)
    rate = (live.clicks[0, ITEMS[0]] + 1) / (live.impressions[0, ITEMS[0]] + 20)
    assert column("live.ctr.1h", asker(), WIDE)[0] == min(np.float32(rate), 1)


def test_the_asker_s_own_times_are_columns() -> None:
    assert set(column("history.idle", asker(), WIDE)) == {float(np.float32(np.log1p(1 / 60)))}
    assert set(column("session.length", asker(), WIDE)) == {float(np.float32(np.log1p(2)))}
    expected = plain.fresh_columns(asker(), WIDE.item_rows[ITEMS], WIDE)
    for name, values in zip(FRESH, expected.T, strict=True):
        np.testing.assert_allclose(column(name, asker(), WIDE), values, atol=1e-6)
    assert column("attributes.session", asker(), WIDE) != column("attributes.week", asker(), WIDE)


def test_a_history_of_long_ago_still_has_its_shares() -> None:
    old = replace(asker(), ages_s=np.array([1e9, 1.1e9, 1.2e9, 1.3e9], np.float32))
    genres = WIDE.item_rows[:, 1:]
    own = genres[ITEMS]
    share = own / np.maximum(own.sum(axis=1, keepdims=True), 1)
    week = share @ genres[3].astype(np.float64)  # the others have faded by hundreds of halvings
    np.testing.assert_allclose(column("attributes.week", old, WIDE), week, atol=1e-6)
    assert not any(column("attributes.session", old, WIDE))


@pytest.mark.parametrize("name", EXTRA)
def test_what_is_not_known_reads_zero(name: str) -> None:
    nothing = replace(asker(), live=None, ages_s=np.empty(0, np.float32))
    stranger = replace(asker(), live=None, history=ordinals(), ages_s=np.empty(0, np.float32))
    for who in (nothing, stranger):
        assert not any(column(name, who, WIDE))


@pytest.mark.parametrize("seed", range(10))
def test_any_choice_of_columns_gives_those_of_the_whole(seed: int) -> None:
    rng = np.random.default_rng(seed)
    wanted = [ALL[place] for place in rng.permutation(len(ALL))[: rng.integers(1, 12)]]
    few = snapshot(scorer=Indifferent(tuple(wanted)))
    for name in wanted:
        assert column(name, asker(), few) == column(name, asker(), WIDE)


def test_a_scorer_that_does_not_ask_pays_nothing_and_gets_the_same_bits() -> None:
    plain = snapshot()
    assert plain.columns == COLUMNS
    assert not plain.wanted.any_live
    assert not plain.wanted.any_fresh
    bare = replace(asker(), live=None, ages_s=np.empty(0, np.float32))
    for name in COLUMNS:
        assert column(name, asker(), plain) == column(name, bare, plain)
        assert column(name, asker(), plain) == column(name, asker(), WIDE)


def test_no_group_is_computed_of_which_nothing_is_asked() -> None:
    for columns, live, fresh in (
        (("live.trend", "item.year"), True, False),
        (("history.idle",), False, True),
        (("user.age",), False, False),
        ((CROSS[-1],), False, False),
    ):
        wanted = snapshot(scorer=Indifferent(columns)).wanted
        assert (wanted.any_live, wanted.any_fresh) == (live, fresh)
    assert (*LIVE, *FRESH) == EXTRA
