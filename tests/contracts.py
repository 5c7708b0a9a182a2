"""What every implementation of a role must do: one suite per role, inherited by each test class.

A new scorer's test is two lines: a subclass of `ScorerContract` and its `scorer` fixture.
"""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any, Protocol

import numpy as np
import pytest

from features.types import Context, Mask, Rows, Scores
from ranking.retrieval import Found
from ranking.retrieval.own import checked
from ranking.snapshot import Snapshot


class Scorer(Protocol):
    """Maps rows float32[n, f] of these columns to float32[n], each row by itself."""

    @property
    def columns(self) -> tuple[str, ...]: ...

    def __call__(self, rows: Rows) -> Scores: ...


class Reranker(Protocol):
    """Orders candidates, best first: (ids, scores, properties, limit) -> indices."""

    def __call__(
        self, ids: list[str], scores: list[float], properties: list[dict[str, Any]], limit: int, /
    ) -> list[int]: ...


class ScorerContract:
    """Subclass it and define a fixture ``scorer``."""

    @pytest.fixture
    def draw(self, scorer: Scorer) -> Callable[[int], Rows]:
        rng = np.random.default_rng(7)
        return lambda n: rng.normal(size=(n, len(scorer.columns))).astype(np.float32)

    def test_scores_have_the_rows_length_and_dtype(
        self, scorer: Scorer, draw: Callable[[int], Rows]
    ) -> None:
        for n in (0, 1, 2, 127, 128, 129, 1000):
            scores = scorer(draw(n))
            assert scores.dtype == np.float32
            assert scores.shape == (n,)

    def test_scores_follow_their_rows(self, scorer: Scorer, draw: Callable[[int], Rows]) -> None:
        rows = draw(300)
        order = np.random.default_rng(1).permutation(300)
        assert np.array_equal(scorer(rows[order]), scorer(rows)[order])

    def test_any_split_gives_the_same_bits(
        self, scorer: Scorer, draw: Callable[[int], Rows]
    ) -> None:
        rng = np.random.default_rng(2)
        for n in (1, 2, 64, 129, 500, 1031):
            rows = draw(n)
            whole = scorer(rows)
            for parts in (2, 3, n):
                cuts = np.sort(rng.integers(0, n + 1, parts - 1))
                pieces = [scorer(piece) for piece in np.split(rows, cuts)]
                assert np.concatenate(pieces).tobytes() == whole.tobytes()

    @pytest.mark.slow
    def test_ten_thousand_random_shapes_give_the_same_bits_in_parallel(
        self, scorer: Scorer, draw: Callable[[int], Rows]
    ) -> None:
        rng = np.random.default_rng(3)
        all_rows = draw(700)
        with ThreadPoolExecutor(3) as pool:
            for _ in range(10_000):
                start, stop = np.sort(rng.integers(0, 701, 2))
                rows = all_rows[start:stop]
                cuts = np.sort(rng.integers(0, len(rows) + 1, rng.integers(1, 4)))
                pieces = pool.map(scorer, np.split(rows, cuts))
                assert np.concatenate([*pieces]).tobytes() == scorer(rows).tobytes()

    def test_threads_at_once_give_the_same_bits(
        self, scorer: Scorer, draw: Callable[[int], Rows]
    ) -> None:
        rows, threads = draw(1000), 8
        whole, together = scorer(rows), Barrier(threads)

        def shard(index: int) -> list[bytes]:
            part = rows[index * 125 : (index + 1) * 125]
            together.wait()
            return [scorer(part).tobytes() for _ in range(20)]

        with ThreadPoolExecutor(threads) as pool:
            for index, answers in enumerate(pool.map(shard, range(threads))):
                assert set(answers) == {whole[index * 125 : (index + 1) * 125].tobytes()}

    def test_rows_are_left_alone(self, scorer: Scorer, draw: Callable[[int], Rows]) -> None:
        rows = draw(200)
        before = rows.tobytes()
        scorer(rows)
        assert rows.tobytes() == before

    def test_frozen_rows_score_alike(self, scorer: Scorer, draw: Callable[[int], Rows]) -> None:
        rows = draw(200)
        scores = scorer(rows)
        rows.flags.writeable = False
        assert scorer(rows).tobytes() == scores.tobytes()

    def test_strange_values_disturb_no_other_row(
        self, scorer: Scorer, draw: Callable[[int], Rows]
    ) -> None:
        rows = draw(300)
        scores = scorer(rows)
        strange = rows.copy()
        strange[::3] = np.array([np.nan, np.inf, -np.inf, 1e-45, 3e38] * 20)[:100, None]
        kept = np.arange(300) % 3 != 0
        assert np.array_equal(scorer(strange)[kept], scores[kept])

    @pytest.mark.parametrize(
        "spoil",
        [
            lambda rows: rows[:, ::-1],
            np.asfortranarray,
            lambda rows: rows[::2],
            lambda rows: rows.astype(np.float64),
            lambda rows: rows[:, 0],
            lambda rows: np.hstack((rows, rows)),
        ],
        ids=["reversed", "fortran", "strided", "float64", "one-dimensional", "too-wide"],
    )
    def test_rows_of_another_kind_are_refused(
        self, scorer: Scorer, draw: Callable[[int], Rows], spoil: Callable[[Rows], Rows]
    ) -> None:
        with pytest.raises(ValueError, match="rows"):
            scorer(spoil(draw(10)))


class Source(Protocol):
    """Finds up to k items that are not blocked, best first."""

    def __call__(self, context: Context, snapshot: Snapshot, blocked: Mask, k: int, /) -> Found: ...


class SourceContract:
    """Subclass it and define fixtures ``source``, ``asker`` and ``world``, of some 500 items."""

    @pytest.fixture
    def mask(self, world: Snapshot) -> Mask:
        return np.random.default_rng(11).random(len(world.catalogue)) < 0.4

    def test_offers_at_most_k_distinct_open_items_best_first(
        self, source: Source, asker: Context, world: Snapshot
    ) -> None:
        rng = np.random.default_rng(1)
        for share in (0.0, 0.5, 0.95, 1.0):
            blocked = rng.random(len(world.catalogue)) < share
            for k in (0, 1, 7, 1000):
                found = source(asker, world, blocked, k)
                checked(found, "tried", blocked, k)
                assert found.items.dtype == np.int64
                assert found.scores.dtype == np.float32
                assert (np.diff(found.scores) <= 0).all()

    def test_fewer_are_the_head_of_more(
        self, source: Source, asker: Context, world: Snapshot, mask: Mask
    ) -> None:
        many = source(asker, world, mask, 900)
        for k in (0, 1, 2, 13, 100):
            few = source(asker, world, mask, k)
            assert few.items.tolist() == many.items[:k].tolist()
            assert few.scores.tobytes() == many.scores[:k].tobytes()

    def test_a_stranger_without_a_history_is_served_or_gets_nothing(
        self, source: Source, world: Snapshot, mask: Mask
    ) -> None:
        nothing = np.empty(0, np.int64)
        row = np.zeros(len(world.user_columns), np.float32)
        found = source(Context(row, False, nothing, nothing), world, mask, 20)
        checked(found, "tried", mask, 20)

    def test_what_it_is_given_is_left_alone(
        self, source: Source, asker: Context, world: Snapshot, mask: Mask
    ) -> None:
        given = (mask, asker.history, asker.exclude, asker.user_row, asker.ages_s)
        before = [array.tobytes() for array in given]
        source(asker, world, mask, 50)
        assert [array.tobytes() for array in given] == before

    def test_offers_at_once_are_the_same_bits(
        self, source: Source, asker: Context, world: Snapshot, mask: Mask
    ) -> None:
        alone = source(asker, world, mask, 50)
        with ThreadPoolExecutor(4) as pool:
            for found in pool.map(lambda _: source(asker, world, mask, 50), range(40)):
                assert found.items.tobytes() == alone.items.tobytes()
                assert found.scores.tobytes() == alone.scores.tobytes()


class RerankerContract:
    """Subclass it and define a fixture ``rerank``: a re-ranker of the user's own."""

    @staticmethod
    def draw(n: int) -> tuple[list[str], list[float], list[dict[str, Any]]]:
        rng = np.random.default_rng(n)
        scores = (-np.sort(-rng.normal(size=n))).tolist()
        properties: list[dict[str, Any]] = [
            {"year": int(rng.integers(1930, 2000)), "genre": ["a"]} if i % 5 else {}
            for i in range(n)
        ]
        return [f"item {i}" for i in range(n)], scores, properties

    @pytest.mark.parametrize("n", [0, 1, 2, 20, 500])
    def test_picks_are_different_indices_of_candidates(self, rerank: Reranker, n: int) -> None:
        picks = rerank(*self.draw(n), 20)
        assert isinstance(picks, list)
        assert all(type(pick) is int and 0 <= pick < n for pick in picks)
        assert len(set(picks)) == len(picks)

    def test_the_same_candidates_give_the_same_picks(self, rerank: Reranker) -> None:
        assert rerank(*self.draw(100), 20) == rerank(*self.draw(100), 20)

    def test_threads_at_once_give_the_same_picks(self, rerank: Reranker) -> None:
        alone = rerank(*self.draw(100), 20)
        with ThreadPoolExecutor(8) as pool:
            assert all(
                picks == alone
                for picks in pool.map(lambda _: rerank(*self.draw(100), 20), range(32))
            )
