"""What the parser refuses: damaged or hostile model text, named by tree and fault."""

import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ranking.forest import ModelRejected, parse
from ranking.scorers import ForestScorer
from tests.ranking.forests import TreeText, model_text, random_rows, random_trees


def small_text() -> str:
    rng = np.random.default_rng(0)
    trees = [
        tree
        for tree in random_trees(rng, features=4, trees=40, most_leaves=9)
        if len(tree.value) > 4 and tree.words
    ]
    return model_text(trees[:3], 4)


SMALL = small_text()


def with_sizes(text: str) -> str:
    """Make tree_sizes true again after an edit."""
    blocks = re.split(r"^(?=Tree=)", text.partition("end of trees")[0], flags=re.MULTILINE)[1:]
    sizes = " ".join(str(len(block)) for block in blocks)
    return re.sub(r"tree_sizes=.*", f"tree_sizes={sizes}", text)


def edited(pattern: str, replacement: str) -> str:
    """Edit tree 1 of the small model, or its header if the pattern is found there."""
    header = SMALL.partition("Tree=0")[0]
    start = 0 if re.search(pattern, header, re.MULTILINE) else SMALL.index("Tree=1")
    text, count = re.subn(pattern, replacement, SMALL[start:], count=1, flags=re.MULTILINE)
    assert count == 1
    return with_sizes(SMALL[:start] + text)


def test_the_small_model_is_accepted() -> None:
    assert len(parse(SMALL, ("f0", "f1", "f2", "f3")).trees) == 3


@pytest.mark.parametrize(
    ("pattern", "replacement", "fault"),
    [
        (r"^leaf_value=\S+", "leaf_value=nan", "tree 1: leaf_value holds 'nan'"),
        (r"^leaf_value=\S+", "leaf_value=inf", "tree 1: leaf_value holds 'inf'"),
        (r"^leaf_value=\S+", "leaf_value=1e999", "tree 1: leaf_value overflows"),
        (r"^leaf_value=\S+", "leaf_value=1_0", "tree 1: leaf_value holds '1_0'"),
        (r"^leaf_value=\S+ ", "leaf_value=", "tree 1: leaf_value has"),
        (r"^threshold=\S+", "threshold=nan", "tree 1: threshold holds 'nan'"),
        (r"^threshold=.*\n", "", "tree 1: threshold has 0 values"),
        (r"^num_leaves=\d+", "num_leaves=999999999", "tree 1: split_feature has"),
        (r"^num_leaves=\d+", "num_leaves=0", "tree 1: num_leaves is 0"),
        (r"^num_leaves=\d+", "num_leaves=9 9", "tree 1: num_leaves has 2 values"),
        (r"^num_leaves=\d+", "num_leaves=" + "9" * 5000, "tree 1: num_leaves holds"),
        (r"^split_feature=\S+", "split_feature=4", "tree 1: split_feature names a feature"),
        (r"^split_feature=\S+", "split_feature=-1", "tree 1: split_feature names a feature"),
        (r"^decision_type=\S+", "decision_type=12", "tree 1: decision_type is unknown"),
        (r"^left_child=\S+", "left_child=0", "tree 1: not a tree"),
        (r"^left_child=\S+", "left_child=99", "tree 1: a child is outside"),
        (r"^left_child=\S+", "left_child=-99", "tree 1: a child is outside"),
        (r"^is_linear=0", "is_linear=1", "tree 1: linear leaves"),
        (r"^shrinkage=1", "shrinkage=1\nshrinkage=1", "tree 1: field 'shrinkage' appears twice"),
        (r"^shrinkage=1", "shrinkage=1\nsurprise=1", "tree 1: unknown field 'surprise=1'"),
        (r"^shrinkage=1", "shrinkage=1\nsurprise", "tree 1: unknown field 'surprise'"),
        (r"^Tree=1", "Tree=7", "tree 1: it is numbered '7'"),
        (r"^num_cat=\d+", "num_cat=0", "tree 1: a categorical split names no category set"),
        (r"^num_cat=\d+", "num_cat=-1", "tree 1: cat_boundaries has"),
        (r"^cat_boundaries=0", "cat_boundaries=1", "tree 1: cat_boundaries do not partition"),
        (r"^cat_threshold=\d+", "cat_threshold=4294967296", "tree 1: cat_threshold is not made"),
        (r"^version=v4", "version=v2", "version is 'v2'"),
        (r"^num_class=1", "num_class=3", "num_class is '3': only models with one output"),
        (r"^num_tree_per_iteration=1", "num_tree_per_iteration=3", "only models with one output"),
        (r"^label_index=0", "average_output", "average_output: random forests"),
        (r"^label_index=0", "surprise=1", "unknown field 'surprise=1'"),
        (r"^max_feature_idx=3", "max_feature_idx=4", "max_feature_idx is '4' with 4"),
        (r"^feature_names=f0", "feature_names=x", "feature 0 is 'x' in the model and 'f0'"),
        (r"^tree\n", "forest\n", "not a LightGBM model: it starts with 'forest'"),
    ],
)
def test_a_fault_is_refused_by_name(pattern: str, replacement: str, fault: str) -> None:
    with pytest.raises(ModelRejected, match=re.escape(fault)):
        parse(edited(pattern, replacement), ("f0", "f1", "f2", "f3"))


def test_a_wrong_number_of_columns_is_refused() -> None:
    with pytest.raises(ModelRejected, match="the model has 4 features, the rows have 2"):
        parse(SMALL, ("f0", "f1"))


def test_a_cyclic_tree_is_refused() -> None:
    tree = TreeText()
    for leaf in (0, 0, 0):
        tree.split(leaf, 0, 0.0, 2)
    tree.left, tree.right = [-1, 2, 1], [-2, -3, -4]  # 1 and 2 are each other's child
    with pytest.raises(ModelRejected, match="tree 0: cyclic"):
        parse(model_text([tree], 1))


def test_an_empty_forest_is_refused() -> None:
    with pytest.raises(ModelRejected, match="no trees"):
        parse(model_text([], 1))


def test_text_cut_anywhere_is_refused() -> None:
    end = SMALL.index("end of trees") + len("end of trees")
    for length in range(0, end, 7):
        with pytest.raises(ModelRejected):
            parse(SMALL[:length])


@settings(max_examples=400, deadline=None)
@given(at=st.integers(0, len(SMALL) - 1), text=st.text(max_size=3))
def test_damaged_text_is_refused_or_scores(at: int, text: str) -> None:
    damaged = SMALL[:at] + text + SMALL[at + len(text) :]
    try:
        scorer = ForestScorer.load(damaged)
    except ModelRejected:
        return
    rows = random_rows(np.random.default_rng(0), 5, len(scorer.columns))
    assert np.isfinite(scorer(rows)).all()


def test_a_number_of_a_million_digits_takes_no_longer_than_another() -> None:
    # The pattern of a number would go back a million times, a million steps each.
    text = edited(r"^leaf_value=\S+", "leaf_value=" + "9" * 1_000_000 + "x")
    with pytest.raises(ModelRejected, match=r"tree 1: leaf_value holds '9{40}'"):
        parse(text)


def test_leaves_whose_sum_no_float32_holds_are_refused() -> None:
    with pytest.raises(ModelRejected, match="scores may overflow"):
        parse(edited(r"^leaf_value=\S+", "leaf_value=1e39"))


def test_sets_that_name_millions_of_categories_are_refused() -> None:
    tree = TreeText(words=[[0xFFFFFFFF] * (1 << 16)] * 3)
    for leaf in range(3):
        tree.split(leaf, 0, float(leaf), 1)
    with pytest.raises(ModelRejected, match="tree 0: cat_threshold names more than 4194304"):
        parse(model_text([tree], 1))
    small = [TreeText(words=[[0xFFFFFFFF] * (1 << 16)]) for _ in range(3)]
    for one in small:
        one.split(0, 0, 0.0, 1)
    with pytest.raises(ModelRejected, match="tree 2: more than 4194304 categories until here"):
        parse(model_text(small, 1))


def test_a_chain_too_deep_to_be_explained_is_scored_all_the_same() -> None:
    tree = TreeText()
    for leaf in range(6000):
        tree.split(leaf, 0, float(leaf), 2)
    scorer = ForestScorer.load(model_text([tree], 1))
    assert scorer.paths is None
    assert len(scorer(np.zeros((3, 1), np.float32))) == 3
