"""Contributions add up to the score, and a forest's are LightGBM's own SHAP values."""

from typing import Any

import lightgbm
import numpy as np
import pytest
from numpy.random import Generator
from numpy.typing import NDArray

from features.types import Rows
from ranking.explain import Contributions, contributions
from ranking.forest import ModelRejected, parse
from ranking.scorers import FactorisationScorer, ForestScorer, FunctionScorer, LinearScorer
from ranking.scorers.mlp import MlpScorer
from ranking.snapshot import Scorer
from tests.ranking.forests import TreeText, model_text, random_rows, random_trees

type Floats = NDArray[np.float64]


def everything(rows: Rows) -> NDArray[np.int64]:
    return np.arange(len(rows), dtype=np.int64)


def explained(scorer: Scorer, rows: Rows) -> Contributions:
    """Explain every row, and check that the parts make the scores."""
    found = contributions(scorer, rows, everything(rows))
    whole = found.base + found.values.sum(axis=1) + found.rest
    np.testing.assert_allclose(whole, scorer(rows), rtol=1e-5, atol=1e-5)
    return found


def trained(options: dict[str, Any], rng: Generator) -> tuple[str, Rows]:
    rows = rng.normal(size=(2000, 8)).astype(np.float32)
    rows[:, 6:] = rng.integers(0, 50, (2000, 2))
    rows[rng.random(rows.shape) < 0.1] = np.nan
    rows[rng.random(rows.shape) < 0.1] = 0
    label = (np.nan_to_num(rows[:, 0]) + np.nan_to_num(rows[:, 6]) % 3 > 1).astype(int)
    group = [20] * 100 if options["objective"] == "lambdarank" else None
    data = lightgbm.Dataset(rows, label, group=group, categorical_feature=[6, 7])
    model = lightgbm.train({"verbose": -1, "num_threads": 1, **options}, data, 12)
    return model.model_to_string(), rows


@pytest.mark.parametrize(
    "options",
    [
        {"objective": "lambdarank"},
        {"objective": "lambdarank", "zero_as_missing": True},
        {"objective": "lambdarank", "use_missing": False},
        {"objective": "binary", "boosting": "dart"},
        {"objective": "regression", "num_leaves": 200, "min_data_in_leaf": 1},
        {"objective": "lambdarank", "bagging_fraction": 0.5, "bagging_freq": 1},
    ],
    ids=lambda options: "-".join(map(str, options.values())),
)
def test_a_forests_contributions_are_lightgbms(options: dict[str, Any]) -> None:
    rng = np.random.default_rng(8)
    text, rows = trained(options, rng)
    rows = np.concatenate((rows[:60], random_rows(rng, 60, 8)))
    theirs = np.asarray(
        lightgbm.Booster(model_str=text).predict(rows, pred_contrib=True, num_threads=1)
    )
    found = contributions(ForestScorer.load(text), rows, everything(rows))
    assert found.method == "tree_shap"
    np.testing.assert_allclose(found.values, theirs[:, :-1], rtol=0, atol=1e-4)
    np.testing.assert_allclose(found.base, theirs[0, -1], rtol=0, atol=1e-4)


@pytest.mark.parametrize("seed", range(10))
def test_any_forests_contributions_add_up_to_the_score(seed: int) -> None:
    rng = np.random.default_rng(seed)
    features = int(rng.integers(1, 12))
    trees = random_trees(rng, features=features, trees=12, most_leaves=int(rng.integers(1, 40)))
    scorer = ForestScorer.load(model_text(trees, features))
    assert explained(scorer, random_rows(rng, 50, features)).method == "tree_shap"


def test_shapley_values_of_a_small_tree_are_those_of_the_definition() -> None:
    """Two columns, four leaves: the average over both orders, by hand."""
    tree = TreeText()
    tree.split(0, 0, 0.0, 2)  # column 0 <= 0: leaf 0, else leaf 1
    tree.split(0, 1, 0.0, 2)  # below the left: column 1 <= 0: leaf 0, else leaf 2
    tree.split(1, 1, 0.0, 2)
    tree.value = [1.0, 2.0, 4.0, 8.0]  # of (0: left, 1: left), (r, l), (l, r), (r, r)
    scorer = ForestScorer.load(model_text([tree], 2))
    found = explained(scorer, np.array([[1.0, 1.0]], np.float32))
    with_neither, with_0, with_1, with_both = 3.75, 5.0, 6.0, 8.0
    first = ((with_0 - with_neither) + (with_both - with_1)) / 2
    second = ((with_1 - with_neither) + (with_both - with_0)) / 2
    assert found.base == with_neither
    np.testing.assert_allclose(found.values, [[first, second]], rtol=1e-12)


def test_only_the_chosen_rows_are_explained_in_their_order() -> None:
    rng = np.random.default_rng(1)
    text, rows = trained({"objective": "lambdarank"}, rng)
    scorer = ForestScorer.load(text)
    whole = explained(scorer, rows[:40]).values
    some = contributions(scorer, rows[:40], np.array([7, 3, 3, 39]))
    assert np.array_equal(some.values, whole[[7, 3, 3, 39]])


def test_a_forest_that_forgot_its_counts_is_explained_by_occlusion() -> None:
    rng = np.random.default_rng(2)
    text, rows = trained({"objective": "lambdarank"}, rng)
    lines = [line for line in text.split("\n") if not line.startswith("leaf_count")]
    header, *trees = "\n".join(lines).split("Tree=")
    sizes = [len(f"Tree={tree.partition('end of trees')[0]}") for tree in trees]
    words = " ".join(map(str, sizes))
    header = "\n".join(
        f"tree_sizes={words}" if line.startswith("tree_sizes") else line
        for line in header.split("\n")
    )
    old = ForestScorer.load("Tree=".join((header, *trees)))
    rows = np.nan_to_num(rows[:30])
    assert old(rows).tobytes() == ForestScorer.load(text)(rows).tobytes()
    assert explained(old, rows).method == "occlusion"


def test_counts_that_cannot_be_are_refused_or_not_used() -> None:
    rng = np.random.default_rng(2)
    text = model_text(random_trees(rng, features=3, trees=1, most_leaves=9), 3)
    leaves = len(parse(text).trees[0].value)
    assert leaves > 1
    counts = f"leaf_count={' '.join(['1'] * leaves)}\n"
    none = text.replace(counts, f"leaf_count={' '.join(['0'] * leaves)}\n")
    assert ForestScorer.load(none).paths is None
    with pytest.raises(ModelRejected, match="leaf_count"):
        parse(text.replace(counts, f"leaf_count={' '.join(['x'] * leaves)}\n"))


def test_a_linear_scorers_contributions_are_weight_times_value() -> None:
    rows = np.random.default_rng(0).normal(size=(20, 3)).astype(np.float32)
    weights = np.array([2.0, -1.0, 0.5], np.float32)
    found = explained(LinearScorer(weights, 0.25, ("a", "b", "c")), rows)
    assert (found.method, found.base) == ("linear", 0.25)
    np.testing.assert_allclose(found.values, rows * weights, rtol=1e-6)


def own(user: dict[str, float], items: dict[str, list[float]]) -> list[float]:
    return [user["u"] * a - b * b for a, b in zip(items["a"], items["b"], strict=True)]


@pytest.mark.parametrize(
    "scorer",
    [
        MlpScorer.of(
            [np.random.default_rng(0).normal(size=(5, 3)), np.ones((1, 5))],
            [np.zeros(5), np.zeros(1)],
            ("u", "a", "b"),
        ),
        FactorisationScorer.of(
            0.5, np.ones(3), np.random.default_rng(1).normal(size=(3, 2)), ("u", "a", "b")
        ),
        FunctionScorer(own, ("u", "a", "b"), ("u",)),
    ],
    ids=["mlp", "factorisation", "function"],
)
def test_what_is_no_forest_is_explained_by_occlusion_and_says_so(scorer: Scorer) -> None:
    rows = np.random.default_rng(2).normal(size=(30, 3)).astype(np.float32)
    rows[:, 0] = 1.5  # the user's, alike in every row
    found = explained(scorer, rows)
    assert found.method == "occlusion"
    assert not found.values[:, 0].any()  # it tells no candidate from another
    assert found.values[:, 1].any()


def strange(_user: dict[str, float], items: dict[str, list[float]]) -> list[float]:
    return [float("nan") if value < 0 else float("inf") for value in items["a"]]


def test_scores_that_are_no_numbers_are_explained_as_the_0_that_they_are_told_as() -> None:
    scorer = FunctionScorer(strange, ("a", "b"))
    rows = np.array([[-1, 2], [3, 4]], np.float32)
    found = contributions(scorer, rows, everything(rows))
    assert found.method == "occlusion"
    assert not found.values.any()
    assert not found.rest.any()
