"""The forest kernel against LightGBM itself: the same bits, whatever a model can say."""

from typing import Any

import lightgbm
import numpy as np
import pytest
from numpy.typing import NDArray

from ranking.forest import ModelRejected
from ranking.scorers import ForestScorer
from tests.ranking.forests import TreeText, model_text, random_rows, random_trees, thresholds


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


@pytest.mark.parametrize("seed", range(6))
def test_deep_and_lopsided_trees_score_as_lightgbm(seed: int) -> None:
    rng = np.random.default_rng(seed)
    trees = []
    for splits, most_often in ((3000, 1.0), (700, 0.95), (300, 0.5), (5, 0.0)):
        tree = TreeText()
        for split in range(splits):  # mostly a chain, each split cutting the newest leaf
            leaf = split if rng.random() < most_often else int(rng.integers(split + 1))
            decision = int(rng.integers(3)) << 2 | int(rng.integers(2)) << 1
            tree.split(leaf, int(rng.integers(9)), float(rng.choice(thresholds(rng))), decision)
            if rng.random() < 0.5:  # down the left side as well
                tree.left[-1], tree.right[-1] = tree.right[-1], tree.left[-1]
        tree.value = rng.normal(size=splits + 1).tolist()
        trees.append(tree)
    assert_equal_to_lightgbm(model_text(trees, 9), random_rows(rng, 300, 9))


@pytest.mark.parametrize("leaves", [255, 256, 257, 263, 264, 265, 2049])
def test_a_chain_of_any_length_ends_every_row_in_its_own_leaf(leaves: int) -> None:
    tree = TreeText()
    for leaf in range(leaves - 1):
        tree.split(leaf, 0, float(leaf), 2)
    tree.value = [float(leaf) for leaf in range(leaves)]
    text = model_text([tree], 1)
    rows = np.arange(leaves, dtype=np.float32)[:, None]
    assert ForestScorer.load(text)(rows).tolist() == tree.value
    assert_equal_to_lightgbm(text, rows)


def test_a_category_beyond_exact_float32_is_refused() -> None:
    tree = TreeText(words=[[0] * ((1 << 24) // 32) + [1]])
    tree.split(0, 0, 0.0, 1)
    with pytest.raises(ModelRejected, match="16777216 of feature 0 is too large: number"):
        ForestScorer.load(model_text([tree], 1))


def test_categories_with_gaps_that_would_fill_the_memory_are_refused() -> None:
    tree = TreeText(words=[[0] * ((1 << 22) // 32) + [1]])
    for feature in range(5):  # a table of 16 MiB for each
        tree.split(feature, feature, 0.0, 1)
    with pytest.raises(ModelRejected, match="feature 3 leave too many out: number"):
        ForestScorer.load(model_text([tree], 5))
