"""The activation gate, on models made by hand: what passes, and what each refusal says."""

from collections.abc import Iterator
from dataclasses import replace
from itertools import count
from pathlib import Path

import numpy as np
import pytest

from features.trust import Trust
from features.types import Rows, Scores
from ranking.artifact import StoredRows, read_both
from ranking.golden import Golden, golden_requests
from ranking.record import Record
from ranking.scorers import ForestScorer
from ranking.snapshot import Scorer, Snapshot
from service.models import gate
from service.models.errors import VersionRefused
from service.models.gate import Trained, inspect
from service.state import Serving
from tests.training.worlds import small_world
from training.train import train


class Says:
    """A scorer of one kind of answer."""

    rows_per_block = 1

    def __init__(self, columns: tuple[str, ...], answer: object) -> None:
        self.columns = columns
        self._answer = answer

    def __call__(self, rows: Rows) -> Scores:
        if isinstance(self._answer, Exception) and len(rows) and rows.any():
            raise self._answer
        if isinstance(self._answer, float):
            return np.full(len(rows), self._answer, np.float32)
        return np.arange(len(rows), dtype=np.float32)


@pytest.fixture(scope="module")
def learnt(tmp_path_factory: pytest.TempPathFactory) -> tuple[Snapshot, list[Golden]]:
    snapshot, stored = read_both(train(small_world(), tmp_path_factory.mktemp("artifacts")))
    return snapshot, golden_requests(stored)


def serving(snapshot: Snapshot, answer: object = None) -> Serving:
    if answer is not None:
        snapshot = replace(snapshot, scorer=Says(snapshot.columns, answer))
    return Serving.of(snapshot, near_cache_mib=0, trust=Trust())


def test_a_model_that_was_learnt_passes(learnt: tuple[Snapshot, list[Golden]]) -> None:
    snapshot, requests = learnt
    inspect(serving(snapshot), requests)


@pytest.mark.parametrize(
    ("answer", "fault"),
    [
        (1.0, "degenerate: in the middle golden request 100% of the candidates share one"),
        (float("nan"), "40 of 40 golden requests have scores that are no finite number"),
        (float("inf"), "no finite number"),
        (TypeError("no such feature"), "a golden request failed: TypeError.'no such feature'"),
    ],
)
def test_a_model_that_cannot_rank_is_refused(
    learnt: tuple[Snapshot, list[Golden]], answer: object, fault: str
) -> None:
    snapshot, requests = learnt
    with pytest.raises(VersionRefused, match=fault) as caught:
        inspect(serving(snapshot, answer), requests)
    assert str(caught.value).endswith("train it again")


def test_a_model_too_slow_to_serve_is_refused(learnt: tuple[Snapshot, list[Golden]]) -> None:
    snapshot, requests = learnt
    slow = replace(serving(snapshot), score_ns_per_row=26_000.0)
    with pytest.raises(VersionRefused, match="26 us to score a row, more than 25"):
        inspect(slow, requests)


def test_an_artifact_without_histories_has_nothing_to_be_held_against(
    learnt: tuple[Snapshot, list[Golden]],
) -> None:
    snapshot, _ = learnt
    inspect(serving(snapshot, 1.0), [])


def test_an_artifact_is_not_asked_for_more_than_it_holds(tmp_path: Path) -> None:
    _, stored = read_both(train(small_world(n_users=12), tmp_path))
    assert len(golden_requests(stored)) == 12


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> tuple[Snapshot, StoredRows, Record]:
    snapshot, stored = read_both(train(small_world(), tmp_path_factory.mktemp("artifacts")))
    assert stored.record is not None
    return snapshot, stored, stored.record


def shuffled(snapshot: Snapshot) -> Snapshot:
    """Return the snapshot with a forest that takes each column for another."""
    assert isinstance(snapshot.scorer, ForestScorer)
    forest = snapshot.scorer.forest
    places = np.random.default_rng(0).permutation(len(forest.columns))
    trees = tuple(replace(tree, feature=places[tree.feature]) for tree in forest.trees)
    return replace(snapshot, scorer=ForestScorer(replace(forest, trees=trees)))


def test_a_model_read_back_is_the_one_that_training_saw(
    published: tuple[Snapshot, StoredRows, Record],
) -> None:
    snapshot, stored, record = published
    inspect(serving(snapshot), golden_requests(stored), Trained(snapshot, record))


def test_a_model_with_its_columns_shuffled_is_refused_though_it_may_beat_chance(
    published: tuple[Snapshot, StoredRows, Record], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gate, "WORST_PLACE", 0.0)
    snapshot, stored, record = published
    other = shuffled(snapshot)
    with pytest.raises(VersionRefused, match="scores are not those that training saw"):
        inspect(serving(other), golden_requests(stored), Trained(other, record))


def test_a_model_that_ranks_otherwise_by_scores_that_look_alike_is_refused(
    published: tuple[Snapshot, StoredRows, Record],
) -> None:
    snapshot, stored, record = published
    other = Record(record.place + 0.06, record.scores)
    with pytest.raises(VersionRefused, match=r"beats 7.% of random items, 8.% when it was pub"):
        inspect(serving(snapshot), golden_requests(stored), Trained(snapshot, other))


def test_items_put_since_are_no_reason_to_refuse_a_model(
    published: tuple[Snapshot, StoredRows, Record],
) -> None:
    snapshot, stored, record = published
    rows = snapshot.item_rows.copy()
    rows[:, 0] += 500  # every year is another
    grown = snapshot.changed(item_rows=rows)
    inspect(serving(grown), golden_requests(stored), Trained(snapshot, record))


def test_a_scorer_of_the_user_s_own_is_not_held_to_what_training_saw(
    published: tuple[Snapshot, StoredRows, Record],
) -> None:
    snapshot, stored, record = published
    far = Record(record.place, tuple(1000 + score for score in record.scores))
    own = replace(snapshot, scorer=Twice(snapshot.scorer))
    inspect(serving(own), golden_requests(stored), Trained(snapshot, far))


class Twice:
    """Ranks as another scorer does, on another scale."""

    rows_per_block = 1

    def __init__(self, scorer: Scorer) -> None:
        self.columns, self._scorer = scorer.columns, scorer

    def __call__(self, rows: Rows) -> Scores:
        return 2 * self._scorer(rows)


def test_a_model_whose_golden_requests_take_too_long_is_refused(
    learnt: tuple[Snapshot, list[Golden]], monkeypatch: pytest.MonkeyPatch
) -> None:
    ticks: Iterator[int] = count(0, 51_000_000)
    monkeypatch.setattr(gate, "thread_time_ns", lambda: next(ticks))
    snapshot, requests = learnt
    with pytest.raises(VersionRefused, match="takes 51 ms of one thread or more, and the limit"):
        inspect(serving(snapshot), requests)


def test_another_ranker_whose_scores_are_no_numbers_is_found(
    learnt: tuple[Snapshot, list[Golden]],
) -> None:
    snapshot, requests = learnt
    broken = replace(snapshot, rankers={"margin": Says(snapshot.scorer.columns, float("nan"))})
    with pytest.raises(VersionRefused, match="40 of 40 golden requests have scores that are no"):
        inspect(serving(broken), requests)
