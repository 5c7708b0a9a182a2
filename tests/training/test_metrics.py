import math

import numpy as np
import pytest

from training.metrics import (
    gini,
    intra_list_distance,
    miscalibration,
    ndcg,
    recall,
    reciprocal_rank,
    self_information,
    serendipity,
)

SLATE = np.array([4, 7, 1, 9])


def test_ndcg_discounts_hits_by_the_logarithm_of_their_place() -> None:
    relevant = np.array([7, 9, 100])
    ideal = 1 + 1 / math.log2(3) + 1 / math.log2(4)
    assert ndcg(SLATE, relevant, 10) == pytest.approx((1 / math.log2(3) + 1 / math.log2(5)) / ideal)
    assert ndcg(SLATE, relevant, 2) == pytest.approx(1 / math.log2(3) / (1 + 1 / math.log2(3)))


def test_ndcg_of_the_best_slate_is_one_and_of_a_miss_zero() -> None:
    assert ndcg(SLATE, SLATE[::-1], 4) == pytest.approx(1)
    assert ndcg(SLATE, np.array([50]), 4) == 0
    assert ndcg(np.empty(0, np.int64), np.array([50]), 10) == 0


def test_recall_is_the_share_of_the_relevant_found() -> None:
    assert recall(SLATE, np.array([7, 9, 100]), 10) == pytest.approx(2 / 3)
    assert recall(SLATE, np.array([7, 9, 100]), 2) == pytest.approx(1 / 3)


def test_the_reciprocal_rank_is_that_of_the_first_hit() -> None:
    assert reciprocal_rank(SLATE, np.array([9, 1])) == pytest.approx(1 / 3)
    assert reciprocal_rank(SLATE, np.array([0])) == 0


def test_what_everybody_knows_is_no_news() -> None:
    assert self_information(np.array([99, 49, 0]), 99).tolist() == pytest.approx(
        [0, 1, math.log2(100)]
    )


def test_intra_list_distance_is_the_mean_over_pairs() -> None:
    rng = np.random.default_rng(0)
    vectors = rng.normal(size=(5, 3))
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    pairs = [1 - vectors[a] @ vectors[b] for a in range(5) for b in range(a)]
    assert intra_list_distance(vectors.astype(np.float32)) == pytest.approx(
        np.mean(pairs), rel=1e-4
    )
    assert intra_list_distance(vectors[:1].astype(np.float32)) == 0


def test_a_hit_that_popularity_would_have_had_is_no_serendipity() -> None:
    relevant, expected = np.array([4, 7, 50]), np.array([7, 3])
    assert serendipity(SLATE, relevant, expected) == pytest.approx(1 / 4)
    assert serendipity(np.empty(0, np.int64), relevant, expected) == 0


def test_gini_is_zero_for_equals_and_nearly_one_for_a_single_winner() -> None:
    assert gini(np.full(10, 3)) == pytest.approx(0)
    assert gini(np.array([0] * 99 + [5])) == pytest.approx(0.99)
    assert gini(np.array([1, 3])) == pytest.approx(0.25)
    assert gini(np.zeros(3, np.int64)) == 0


def test_a_slate_that_mirrors_the_taste_is_calibrated() -> None:
    taste = np.array([7.0, 3.0, 0.0])
    assert miscalibration(taste, np.array([1.4, 0.6, 0.0])) == pytest.approx(0)
    one_sided = miscalibration(taste, np.array([1.0, 0.0, 0.0]))
    q = np.array([0.99 + 0.01 * 0.7, 0.01 * 0.3])
    assert one_sided == pytest.approx(0.7 * np.log(0.7 / q[0]) + 0.3 * np.log(0.3 / q[1]))
    assert miscalibration(taste, np.array([0.0, 0.0, 1.0])) > one_sided
    assert miscalibration(taste, np.zeros(3)) == 0
