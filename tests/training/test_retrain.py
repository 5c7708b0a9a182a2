"""Retraining: what is compared, what is refused, what is published."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from features.types import Rows, Scores
from ranking.artifact import StoredRows, read_both
from ranking.catalogue import Catalogue
from ranking.golden import Golden
from ranking.snapshot import Scorer, Snapshot
from tests.training.worlds import small_world
from training import retrain as module
from training.datasets import Dataset
from training.datasets.errors import DataError
from training.interactions import Interactions
from training.progress import Progress, silent
from training.retrain import Worse, retrain
from training.rivals import compare, cut
from training.train import learn, train

NOW = small_world()
EARLIER, _ = NOW.interactions.split(0.3)
SEED = 3

type Serving = tuple[Snapshot, StoredRows]


class Backwards:
    """A scorer whose sign is lost."""

    rows_per_block = 1

    def __init__(self, scorer: Scorer) -> None:
        self.columns = scorer.columns
        self._scorer = scorer

    def __call__(self, rows: Rows) -> Scores:
        return -self._scorer(rows)


def open_gate(_: Snapshot, requests: list[Golden]) -> None:
    assert requests


@pytest.fixture(scope="module")
def serving(tmp_path_factory: pytest.TempPathFactory) -> Serving:
    folder = tmp_path_factory.mktemp("serving")
    return read_both(train(replace(NOW, interactions=EARLIER), folder))


def test_what_the_serving_model_has_learnt_from_is_not_asked(serving: Serving) -> None:
    before, relevant = cut(NOW, serving[1])
    _, after = NOW.interactions.split(0.2)
    assert len(before) + len(after) == len(NOW.interactions)
    for user, taken in enumerate(relevant):
        assert not set(taken.tolist()) & set(EARLIER.of_user(user).tolist())
        assert set(taken.tolist()) == set(after.of_user(user).tolist())


def test_without_anything_new_nothing_can_be_compared(serving: Serving) -> None:
    with pytest.raises(DataError, match="bring newer data"):
        cut(replace(NOW, interactions=EARLIER), serving[1])


def test_a_model_is_no_better_than_itself(serving: Serving) -> None:
    before, relevant = cut(NOW, serving[1])
    verdict = compare(NOW, before, relevant, serving[0], *serving, SEED)
    assert verdict.users == 40
    assert verdict.difference.low == verdict.difference.mean == verdict.difference.high == 0
    assert not verdict.worse


def test_a_serving_model_that_numbers_items_otherwise_is_understood(serving: Serving) -> None:
    same, moved = (
        compare(world, *cut(world, serving[1]), serving[0], *serving, SEED)
        for world in (NOW, _back_to_front(NOW))
    )
    assert moved.users == same.users
    assert moved.serving == same.serving
    assert moved.candidate != same.candidate  # it was told other ordinals than it knows


def test_a_better_model_is_published_with_the_verdict(serving: Serving, tmp_path: Path) -> None:
    path, verdict = retrain(NOW, *serving, open_gate, tmp_path, SEED)
    snapshot, stored = read_both(path)
    assert len(stored.history_items) == len(NOW.interactions)
    assert snapshot.scorer.columns
    kept = json.loads((path / "manifest.json").read_bytes())["metrics"]["retrain"]
    assert kept["serving_version"] == serving[0].version
    assert kept["difference"]["mean"] == pytest.approx(verdict.difference.mean)
    assert verdict.candidate.mean - verdict.serving.mean == pytest.approx(verdict.difference.mean)


def test_the_same_seed_comes_to_the_same_verdict(serving: Serving, tmp_path: Path) -> None:
    first, second = (retrain(NOW, *serving, open_gate, tmp_path, SEED) for _ in range(2))
    assert first[1] == second[1]
    assert first[0] != second[0]


def test_a_model_that_is_worse_beyond_the_interval_is_not_published(
    serving: Serving, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def spoilt(
        dataset: Dataset, interactions: Interactions, seed: int, progress: Progress = silent
    ) -> tuple[Snapshot, str]:
        snapshot, text = learn(dataset, interactions, seed, progress)
        return replace(snapshot, scorer=Backwards(snapshot.scorer)), text

    monkeypatch.setattr(module, "learn", spoilt)
    with pytest.raises(Worse, match="not published") as refused:
        retrain(NOW, *serving, open_gate, tmp_path, SEED)
    assert refused.value.verdict.difference.high < 0
    assert not list(tmp_path.iterdir())


def test_what_the_gate_refuses_is_not_published(serving: Serving, tmp_path: Path) -> None:
    def shut(_: Snapshot, __: list[Golden]) -> None:
        raise RuntimeError("no")

    with pytest.raises(RuntimeError, match="no"):
        retrain(NOW, *serving, shut, tmp_path, SEED)
    assert not list(tmp_path.iterdir())


def _back_to_front(world: Dataset) -> Dataset:
    """Return the world with its items back to front."""
    n = len(world.catalogue)
    own = world.interactions
    return replace(
        world,
        catalogue=Catalogue(world.catalogue.ids[::-1], world.catalogue.properties[::-1]),
        interactions=Interactions.of(
            own.users, (n - 1 - own.items).astype(np.int32), own.times, own.n_users
        ),
        item_rows=np.ascontiguousarray(world.item_rows[::-1]),
    )
