"""Embeddings, neighbours and popularity against plain Python."""

import math

import numpy as np
import pytest

from tests.training.worlds import DAY_MS, small_world
from training.constants import (
    BACK,
    DIMENSIONS,
    FADE,
    HALF_LIFE_DAYS,
    NEIGHBOURS,
    REACH,
    SHRINKAGE,
)
from training.embeddings import item_embeddings
from training.fit import fit
from training.interactions import Interactions
from training.neighbours import neighbours
from training.popularity import decayed

WORLD = small_world()
OWN = WORLD.interactions


def none(n_users: int = 3) -> Interactions:
    return Interactions.of(
        np.empty(0, np.int32), np.empty(0, np.int32), np.empty(0, np.int64), n_users
    )


def test_embeddings_bring_together_what_is_consumed_together() -> None:
    embeddings = item_embeddings(OWN, 60, seed=1)
    assert embeddings.shape == (60, DIMENSIONS)
    assert embeddings.dtype == np.float32
    unit = embeddings / np.linalg.norm(embeddings, axis=1, keepdims=True)
    cosines = unit @ unit.T
    same = np.arange(60)[:, None] % 2 == np.arange(60) % 2
    assert cosines[same].mean() > cosines[~same].mean() + 0.05


def test_a_sum_of_embeddings_scores_as_the_least_squares_user_does() -> None:
    """The exact user, in coordinates where all but the own items' part is the identity."""
    embeddings = item_embeddings(OWN, 60, seed=1).astype(np.float64)
    agreements = []
    for user in range(OWN.n_users):
        own = embeddings[OWN.of_user(user)]
        exact = np.linalg.solve(np.eye(DIMENSIONS) + own.T @ own, own.sum(axis=0))
        agreements.append(np.corrcoef(embeddings @ exact, embeddings @ own.sum(axis=0))[0, 1])
    assert min(agreements) > 0.95


def test_embeddings_do_not_depend_on_anything_but_the_seed() -> None:
    assert item_embeddings(OWN, 60, seed=1).tobytes() == item_embeddings(OWN, 60, seed=1).tobytes()


def test_an_item_that_nobody_consumed_has_no_direction() -> None:
    embeddings = item_embeddings(OWN, 70, seed=1)
    assert not embeddings[60:].any()
    assert (np.linalg.norm(embeddings[:60], axis=1) > 0).all()


@pytest.mark.parametrize(("own", "n_items"), [(none(), 60), (none(1), 1), (OWN, 60)])
def test_every_size_of_world_has_embeddings_neighbours_and_popularity(
    own: Interactions, n_items: int
) -> None:
    assert np.isfinite(item_embeddings(own, n_items, seed=1)).all()
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
                    came_first = 1.0 if p > q else BACK  # the latest is at place 0
                    weight = came_first * math.exp(-abs(p - q) / FADE)
                    close[a, b] = close.get((a, b), 0.0) + weight
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
