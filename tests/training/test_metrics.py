import math

import numpy as np
import pytest

from training.metrics import (
    intra_list_distance,
    ndcg,
    recall,
    reciprocal_rank,
    self_information,
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
