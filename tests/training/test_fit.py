"""Embeddings, neighbours and popularity against plain Python."""

import math

import numpy as np
import pytest

from tests.training.worlds import DAY_MS, small_world
from training.embeddings import DIMENSIONS, pure_svd
from training.fit import fit
from training.interactions import Interactions
from training.neighbours import FADE, NEIGHBOURS, REACH, SHRINKAGE, neighbours
from training.popularity import HALF_LIFE_DAYS, decayed

WORLD = small_world()
OWN = WORLD.interactions


def none(n_users: int = 3) -> Interactions:
    return Interactions.of(
        np.empty(0, np.int32), np.empty(0, np.int32), np.empty(0, np.int64), n_users
    )


def dense() -> np.ndarray[tuple[int, int], np.dtype[np.float64]]:
    matrix = np.zeros((40, 60))
    matrix[OWN.users, OWN.items] = 1
    return matrix


def test_embeddings_are_the_right_singular_vectors() -> None:
    embeddings = pure_svd(OWN, 60, seed=1)
    assert embeddings.shape == (60, DIMENSIONS)
    np.testing.assert_allclose(embeddings.T @ embeddings, np.eye(DIMENSIONS), atol=1e-5)
    _, _, factors = np.linalg.svd(dense())
    expected = factors[:DIMENSIONS].T @ factors[:DIMENSIONS]
    np.testing.assert_allclose(embeddings @ embeddings.T, expected, atol=1e-4)


def test_embeddings_do_not_depend_on_anything_but_the_seed() -> None:
    assert pure_svd(OWN, 60, seed=1).tobytes() == pure_svd(OWN, 60, seed=1).tobytes()


@pytest.mark.filterwarnings("error")
def test_a_world_of_few_tastes_fills_the_other_dimensions_with_zero() -> None:
    users = np.repeat(np.arange(40, dtype=np.int32), 2)
    items = np.where(users % 2, 5, 6).astype(np.int32)
    items[1::2] += 10
    embeddings = pure_svd(Interactions.of(users, items, np.arange(80), 40), 60, seed=1)
    assert np.isfinite(embeddings).all()
    assert np.count_nonzero(np.linalg.norm(embeddings, axis=0) > 1e-6) == 2


@pytest.mark.parametrize(("own", "n_items"), [(none(), 60), (none(1), 1), (OWN, 60)])
def test_every_size_of_world_has_embeddings_neighbours_and_popularity(
    own: Interactions, n_items: int
) -> None:
    assert np.isfinite(pure_svd(own, n_items, seed=1)).all()
    table, scores = neighbours(own, n_items)
    assert table.shape == scores.shape == (n_items, min(NEIGHBOURS, n_items))
    assert decayed(own, n_items).shape == (n_items,)


def test_neighbours_are_those_consumed_close_to_each_other() -> None:
    close: dict[tuple[int, int], float] = {}
    counts = np.bincount(OWN.items, minlength=60)
    for user in range(OWN.n_users):
        own = OWN.of_user(user).tolist()
        for p, a in enumerate(own):
            for q, b in enumerate(own):
                if 0 < abs(p - q) <= REACH:
                    close[a, b] = close.get((a, b), 0.0) + math.exp(-abs(p - q) / FADE)
    table, scores = neighbours(OWN, 60)
    for a in range(60):
        expected = {
            b: value / (math.sqrt(counts[a] * counts[b]) + SHRINKAGE)
            for (left, b), value in close.items()
            if left == a
        }
        found = table[a] >= 0
        assert set(table[a][found]) == set(expected)
        assert (np.diff(scores[a][found]) <= 0).all()
        assert scores[a][found] == pytest.approx([expected[b] for b in table[a][found]])
        assert not scores[a][~found].any()


def test_an_item_is_no_neighbour_of_its_own() -> None:
    table, _ = neighbours(OWN, 60)
    assert not (table == np.arange(60)[:, None]).any()


def test_neighbours_share_the_taste_in_a_world_of_two() -> None:
    table, _ = neighbours(OWN, 60)
    assert (table[:, :5] % 2 == np.arange(60)[:, None] % 2).mean() > 0.9


def test_an_interaction_loses_half_its_weight_in_a_half_life() -> None:
    later = round(HALF_LIFE_DAYS * DAY_MS)
    own = Interactions.of(
        np.array([0, 1, 2], np.int32),
        np.array([4, 5, 5], np.int32),
        np.array([0, later, later], np.int64),
        3,
    )
    assert decayed(own, 7).tolist() == pytest.approx([0, 0, 0, 0, 0.25, 1.0, 0])


def test_a_fitted_snapshot_has_no_opinion_on_rows_yet() -> None:
    snapshot = fit(WORLD, OWN, seed=1)
    rows = np.random.default_rng(0).random((5, len(snapshot.columns))).astype(np.float32)
    assert not snapshot.scorer(rows).any()
