"""Golden requests hold back what the user took last, and tell a model from chance."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from features.types import Rows, Scores
from ranking.artifact import ArtifactRejected, StoredRows, read_both
from ranking.golden import REQUESTS, examine, golden_requests
from ranking.record import record
from ranking.snapshot import Scorer, Snapshot
from tests.training.worlds import small_world
from training.train import train

WORLD = small_world()


@pytest.fixture(scope="module")
def learnt(tmp_path_factory: pytest.TempPathFactory) -> tuple[Snapshot, StoredRows]:
    return read_both(train(WORLD, tmp_path_factory.mktemp("artifacts")))


class Contrary:
    """Ranks the other way round."""

    def __init__(self, scorer: Scorer) -> None:
        self.columns, self.rows_per_block = scorer.columns, scorer.rows_per_block
        self._scorer = scorer

    def __call__(self, rows: Rows) -> Scores:
        return -self._scorer(rows)


def test_the_last_item_is_held_back_and_the_rest_is_latest_first(
    learnt: tuple[Snapshot, StoredRows],
) -> None:
    for user, golden in enumerate(golden_requests(learnt[1])):
        latest_first = WORLD.interactions.of_user(user).tolist()
        assert golden.taken == latest_first[0]
        assert golden.context.history.tolist() == latest_first[1:]
        np.testing.assert_array_equal(golden.context.user_row, WORLD.user_rows[user])


def test_users_are_spread_over_all_that_have_two_interactions(tmp_path: Path) -> None:
    _, stored = read_both(train(small_world(n_users=300, seen=10), tmp_path))
    requests = golden_requests(stored)
    assert len(requests) == REQUESTS
    ages = [float(golden.context.user_row[0]) for golden in requests]
    assert (ages[0], ages[-1]) == (20.0, 319.0)
    offsets = stored.history_offsets.copy()
    offsets[1:] = offsets[1]  # only the first user has any
    assert len(golden_requests(replace(stored, history_offsets=offsets))) == 1
    assert golden_requests(replace(stored, history_offsets=0 * offsets)) == []


def test_a_model_beats_chance_and_its_opposite_is_beaten_by_as_much(
    learnt: tuple[Snapshot, StoredRows],
) -> None:
    snapshot, stored = learnt
    requests = golden_requests(stored)
    found = examine(snapshot, requests)
    assert found.place.mean() > 0.6
    assert (found.picks == 20).all()
    assert (found.finite == 1).all()
    assert (found.tied < 0.1).all()
    other = examine(replace(snapshot, scorer=Contrary(snapshot.scorer)), requests)
    np.testing.assert_allclose(other.place, 1 - found.place, atol=1e-12)


def test_the_same_model_is_found_the_same_each_time(learnt: tuple[Snapshot, StoredRows]) -> None:
    snapshot, stored = learnt
    one, two = (examine(snapshot, golden_requests(stored)) for _ in range(2))
    np.testing.assert_array_equal(one.place, two.place)
    np.testing.assert_array_equal(one.tied, two.tied)


def test_what_a_slate_costs_is_told_by_the_clock_given(
    learnt: tuple[Snapshot, StoredRows],
) -> None:
    ticks = iter(range(0, 10_000, 7))
    found = examine(learnt[0], golden_requests(learnt[1]), lambda: next(ticks))
    assert (found.cost_ns == 7).all()


def test_what_training_saw_is_kept_beside_the_model_and_is_seen_again(
    learnt: tuple[Snapshot, StoredRows],
) -> None:
    snapshot, stored = learnt
    seen = examine(snapshot, golden_requests(stored)).record
    assert seen is not None
    assert seen == stored.record
    assert seen.scores == tuple(sorted(seen.scores))
    assert 0 < seen.spread < seen.scores[-1] - seen.scores[0]


class Lost:
    """Scores nothing by a number."""

    rows_per_block = 1

    def __init__(self, columns: tuple[str, ...]) -> None:
        self.columns = columns

    def __call__(self, rows: Rows) -> Scores:
        return np.full(len(rows), np.nan, np.float32)


def test_of_scores_that_are_no_numbers_nothing_is_kept(
    learnt: tuple[Snapshot, StoredRows],
) -> None:
    snapshot, stored = learnt
    lost = replace(snapshot, scorer=Lost(snapshot.scorer.columns))
    assert examine(lost, golden_requests(stored)).record is None


@pytest.mark.parametrize(
    "document",
    [
        {"place": 2.0, "scores": [0.0] * 11},
        {"place": 0.5, "scores": [0.0] * 10},
        [],
        {"place": 0.5},
    ],
)
def test_a_record_that_is_none_is_refused(document: object) -> None:
    with pytest.raises(ArtifactRejected, match="golden is no record"):
        record(Path("manifest.json"), document)


def test_an_artifact_from_before_records_has_none() -> None:
    assert record(Path("manifest.json"), None) is None
