"""Columns of the moment, in training: what a replica would have served then, to the bit."""

from dataclasses import replace

import numpy as np
import pytest

from features.events import BUCKET_MS, Event, bucket_of, increments
from features.live import Counts, live_of
from features.types import Live
from ranking.columns import EXTRA
from ranking.retrieval import retrieve
from ranking.scorers import LinearScorer
from ranking.snapshot import Snapshot
from tests.training.worlds import DAY_MS, small_world
from training.constants import SHARE
from training.examples import examples
from training.fit import fit
from training.interactions import Interactions
from training.moments import lives
from training.replay import context_of, rows_of
from training.train import learn

HOUR_MS = 3_600_000


def busy_world(seed: int = 0) -> tuple[Interactions, Interactions]:
    """Draw a past in which all happens within two days, so that there is something to count."""
    rng = np.random.default_rng(seed)
    own = small_world().interactions
    start = np.int64(1_700_000_000_000)
    drawn = np.sort(rng.integers(0, 2 * DAY_MS, (own.n_users, 20)), axis=1).ravel()
    return Interactions.of(own.users, own.items, start + drawn, own.n_users).split(SHARE)


def served(before: Interactions, now_ms: int, seed: int) -> Live:
    """Count as a replica does: events come in any order, as clicks, and buckets move on."""
    rng = np.random.default_rng(seed)
    counts = Counts(int(before.times.min()) // BUCKET_MS)
    past = np.flatnonzero(before.times < now_ms)
    for part in np.array_split(rng.permutation(past), 5):
        for place in part.tolist():
            time, item = int(before.times[place]), WORLD.catalogue.ids[before.items[place]]
            event = Event("somebody", item, "click", time)
            bucket = bucket_of(time, time)
            assert bucket is not None
            for kind, amount in increments(event):
                counts.add(bucket, kind, item, amount)
        counts.advance(int(before.times[part].max()) // BUCKET_MS)
    counts.advance(now_ms // BUCKET_MS)
    tally = counts.tally()
    return live_of(tally, *WORLD.catalogue.located(tally.item_ids), len(WORLD.catalogue))


WORLD = small_world()
BEFORE, AFTER = busy_world()


def wide(made: Snapshot) -> Snapshot:
    columns = (*made.columns, *EXTRA)
    return replace(made, scorer=LinearScorer(np.zeros(len(columns)), 0.0, columns))


@pytest.mark.parametrize("user", [0, 7, 39])
def test_features_are_available_at_training_exactly_as_served(user: int) -> None:
    snapshot = wide(fit(WORLD, BEFORE, seed=1))
    now_ms = int(AFTER.times[AFTER.offsets[user]])
    [counted] = lives(BEFORE, np.array([now_ms]), WORLD.catalogue)
    learnt = context_of(WORLD, BEFORE, user, now_ms, counted)
    asked = replace(learnt, live=served(BEFORE, now_ms, seed=user))
    candidates = retrieve(asked, snapshot)
    one, other = (rows_of(context, candidates, snapshot).rows for context in (learnt, asked))
    assert one.tobytes() == other.tobytes()
    at = {name: place for place, name in enumerate(snapshot.scorer.columns)}
    for name in ("live.clicks.1d", "live.trend", "history.idle", "attributes.week"):
        assert one[:, at[name]].any(), name


def test_moments_are_counted_as_each_alone() -> None:
    moments = np.sort(AFTER.times)[::13]
    for moment, together in zip(moments, lives(BEFORE, moments, WORLD.catalogue), strict=True):
        [alone] = lives(BEFORE, np.array([moment]), WORLD.catalogue)
        assert together.clicks.tobytes() == alone.clicks.tobytes()
        assert together.trend.tobytes() == alone.trend.tobytes()
        recent = (BEFORE.times < moment) & (BEFORE.times > moment - HOUR_MS - BUCKET_MS)
        assert together.clicks[0].sum() <= recent.sum()


def test_what_comes_later_is_not_counted() -> None:
    moment = int(np.median(BEFORE.times))
    [counted] = lives(BEFORE, np.array([moment]), WORLD.catalogue)
    happened = np.unique(BEFORE.items[BEFORE.times < moment])
    assert set(np.flatnonzero(counted.clicks.any(axis=0))) <= set(happened)
    assert counted.clicks[-1].sum() > 0
    [nothing] = lives(BEFORE, np.array([int(BEFORE.times.min())]), WORLD.catalogue)
    assert not nothing.clicks.any()
    assert [*lives(BEFORE, np.empty(0, np.int64), WORLD.catalogue)] == []


def test_examples_with_live_columns_have_them_and_the_others_unchanged(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("training.examples.CUTS", 1)
    monkeypatch.setattr("training.examples.NEGATIVES", 10_000)
    own = Interactions.of(
        np.concatenate((BEFORE.users, AFTER.users)),
        np.concatenate((BEFORE.items, AFTER.items)),
        np.concatenate((BEFORE.times, AFTER.times)),
        BEFORE.n_users,
    )
    plain, live = examples(WORLD, own, 1), examples(WORLD, own, 1, live=True)
    assert live.columns == (*plain.columns, *EXTRA)
    assert len(live.rows) == len(plain.rows)
    width = len(plain.columns)
    assert sorted(map(bytes, live.rows[:, :width])) == sorted(map(bytes, plain.rows))
    assert live.rows[:, width:].any(axis=0).sum() >= len(EXTRA) - 2  # no impressions


def test_a_model_can_be_learnt_with_them() -> None:
    snapshot, text = learn(WORLD, WORLD.interactions, live=True)
    assert snapshot.scorer.columns[-len(EXTRA) :] == EXTRA
    assert snapshot.wanted.any_live
    assert "live.trend" in text
