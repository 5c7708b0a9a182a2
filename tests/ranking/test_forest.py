"""The forest kernel against LightGBM itself: the same bits, whatever a model can say."""

from typing import Any

import lightgbm
import numpy as np
import pytest
from numpy.typing import NDArray

from ranking.forest import ModelRejected
from ranking.scorers import ForestScorer
from tests.ranking.forests import TreeText, model_text, random_rows, random_trees


def raw_scores(text: str, rows: NDArray[np.float32]) -> NDArray[np.float32]:
    model = lightgbm.Booster(model_str=text)
    return np.asarray(model.predict(rows, raw_score=True, num_threads=1)).astype(np.float32)


def assert_equal_to_lightgbm(text: str, rows: NDArray[np.float32]) -> None:
    assert ForestScorer.load(text)(rows).tobytes() == raw_scores(text, rows).tobytes()


@pytest.mark.parametrize("seed", range(40))
def test_random_forests_score_as_lightgbm_to_the_bit(seed: int) -> None:
    rng = np.random.default_rng(seed)
    features = int(rng.integers(1, 20))
    leaves = int(rng.choice([1, 2, 8, 9, 31, 63, 64, 255, 256]))
    count = int(rng.integers(1, 30))
    trees = random_trees(rng, features=features, trees=count, most_leaves=leaves)
    rows = random_rows(rng, int(rng.integers(1, 500)), features)
    assert_equal_to_lightgbm(model_text(trees, features), rows)


@pytest.mark.parametrize("seed", range(4))
def test_trees_of_more_leaves_than_a_byte_counts_score_as_lightgbm(seed: int) -> None:
    rng = np.random.default_rng(seed)
    trees = random_trees(rng, features=7, trees=3, most_leaves=1500)
    assert max(len(tree.value) for tree in trees) > 256
    assert_equal_to_lightgbm(model_text(trees, 7), random_rows(rng, 300, 7))


def test_a_feature_of_more_thresholds_than_a_byte_counts_scores_as_lightgbm() -> None:
    rng = np.random.default_rng(0)
    tree_texts = []
    for _ in range(10):
        tree = TreeText()
        for threshold in rng.normal(size=100):
            tree.split(int(rng.integers(len(tree.value))), 0, float(threshold), 2)
        tree.value = rng.normal(size=101).tolist()
        tree_texts.append(tree)
    rows = rng.normal(size=(2000, 1)).astype(np.float32)
    assert_equal_to_lightgbm(model_text(tree_texts, 1), rows)


def test_a_row_on_a_threshold_goes_left_and_the_next_number_right() -> None:
    tree = TreeText()
    threshold = 0.1  # no float32: its nearest is above
    tree.split(0, 0, threshold, 2)
    tree.value = [-1.0, 1.0]
    above = np.float32(0.1)
    below = np.nextafter(above, np.float32(0))
    rows = np.array([[below], [above]], np.float32)
    text = model_text([tree], 1)
    assert ForestScorer.load(text)(rows).tolist() == [-1.0, 1.0]
    assert_equal_to_lightgbm(text, rows)


@pytest.mark.parametrize(
    "options",
    [
        {"objective": "lambdarank"},
        {"objective": "lambdarank", "zero_as_missing": True},
        {"objective": "lambdarank", "use_missing": False},
        {"objective": "binary", "boosting": "dart"},
        {"objective": "regression", "max_bin": 1000, "num_leaves": 300, "min_data_in_leaf": 1},
    ],
    ids=lambda options: "-".join(map(str, options.values())),
)
def test_trained_models_score_as_lightgbm_to_the_bit(options: dict[str, Any]) -> None:
    rng = np.random.default_rng(8)
    rows = rng.normal(size=(3000, 8)).astype(np.float32)
    rows[:, 6:] = rng.integers(0, 50, (3000, 2))
    rows[rng.random(rows.shape) < 0.1] = np.nan
    rows[rng.random(rows.shape) < 0.1] = 0
    label = (np.nan_to_num(rows[:, 0]) + np.nan_to_num(rows[:, 6]) % 3 > 1).astype(int)
    group = [30] * 100 if options["objective"] == "lambdarank" else None
    data = lightgbm.Dataset(rows, label, group=group, categorical_feature=[6, 7])
    model = lightgbm.train({"verbose": -1, "num_threads": 1, **options}, data, 30)
    strange = random_rows(rng, 500, 8)
    assert_equal_to_lightgbm(model.model_to_string(), np.concatenate((rows, strange)))


def test_a_path_too_long_to_cut_is_refused() -> None:
    tree = TreeText()
    for leaf in range(400):  # a chain: each split cuts the newest leaf
        tree.split(leaf, 0, float(leaf), 2)
    with pytest.raises(ModelRejected, match="too long"):
        ForestScorer.load(model_text([tree], 1))


def test_a_category_beyond_exact_float32_is_refused() -> None:
    tree = TreeText(words=[[0] * ((1 << 24) // 32) + [1]])
    tree.split(0, 0, 0.0, 1)
    with pytest.raises(ModelRejected, match="category 16777216 of feature 0 is too large"):
        ForestScorer.load(model_text([tree], 1))
