"""The activation gate, on models made by hand: what passes, and what each refusal says."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from features.trust import Trust
from features.types import Rows, Scores
from ranking.artifact import read_both
from ranking.golden import Golden, golden_requests
from ranking.snapshot import Snapshot
from service.models.errors import VersionRefused
from service.models.gate import inspect
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
