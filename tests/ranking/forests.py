"""Random LightGBM models, written as text, that use whatever a decision node can say."""

from dataclasses import dataclass, field
from itertools import chain

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

CATEGORIES = 40  # categorical features take 0 <= c < CATEGORIES, and stranger things in rows


@dataclass
class TreeText:
    """A tree that grows as LightGBM's does: a leaf becomes a node, its right side a new leaf."""

    feature: list[int] = field(default_factory=list)
    threshold: list[float] = field(default_factory=list)
    decision: list[int] = field(default_factory=list)
    left: list[int] = field(default_factory=list)
    right: list[int] = field(default_factory=list)
    value: list[float] = field(default_factory=lambda: [0.0])
    words: list[list[int]] = field(default_factory=list)

    def split(self, leaf: int, feature: int, threshold: float, decision: int) -> None:
        node = len(self.feature)
        for children in (self.left, self.right):
            for i, child in enumerate(children):
                if child == ~leaf:
                    children[i] = node
        self.feature.append(feature)
        self.threshold.append(threshold)
        self.decision.append(decision)
        self.left.append(~leaf)
        self.right.append(~len(self.value))
        self.value.append(0.0)

    def text(self, number: int) -> str:
        bounds = np.cumsum([0, *map(len, self.words)]).tolist()
        fields: dict[str, object] = {
            "Tree": number,
            "num_leaves": len(self.value),
            "num_cat": len(self.words),
            "split_feature": self.feature,
            "split_gain": [1] * len(self.feature),
            "threshold": self.threshold,
            "decision_type": self.decision,
            "left_child": self.left,
            "right_child": self.right,
            "leaf_value": self.value,
            "leaf_weight": [1] * len(self.value),
            "leaf_count": [1] * len(self.value),
            "internal_value": [0] * len(self.feature),
            "internal_weight": [0] * len(self.feature),
            "internal_count": [1] * len(self.feature),
        }
        if self.words:
            fields |= {"cat_boundaries": bounds, "cat_threshold": [*chain(*self.words)]}
        fields |= {"is_linear": 0, "shrinkage": 1}
        return "".join(f"{key}={_spell(value)}\n" for key, value in fields.items()) + "\n\n"


def _spell(value: object) -> str:
    return " ".join(map(repr, value)) if isinstance(value, list) else str(value)


def model_text(trees: list[TreeText], features: int) -> str:
    blocks = [tree.text(number) for number, tree in enumerate(trees)]
    header = {
        "version": "v4",
        "num_class": 1,
        "num_tree_per_iteration": 1,
        "label_index": 0,
        "max_feature_idx": features - 1,
        "objective": "lambdarank",
        "feature_names": _names(features),
        "feature_infos": " ".join(["[-1e300:1e300]"] * features),
        "tree_sizes": " ".join(str(len(block)) for block in blocks),
    }
    head = "".join(f"{key}={value}\n" for key, value in header.items())
    return f"tree\n{head}\n{''.join(blocks)}end of trees\n\nparameters:\n\nend of parameters\n"


def _names(features: int) -> str:
    return " ".join(f"f{i}" for i in range(features))


def random_trees(
    rng: Generator, *, features: int, trees: int, most_leaves: int, categorical: float = 0.3
) -> list[TreeText]:
    """Grow trees over features of which the first are numeric, the rest categorical."""
    numeric = max(1, round(features * (1 - categorical)))
    pool = thresholds(rng)
    return [_random_tree(rng, features, numeric, most_leaves, pool) for _ in range(trees)]


def thresholds(rng: Generator) -> NDArray[np.float64]:
    """Draw thresholds: plain doubles, exact float32 values, zeros, and the ends of the range."""
    plain = rng.normal(size=300)
    exact = rng.normal(size=20).astype(np.float32).astype(np.float64)
    zeros = [0.0, 1.0000000180025095e-35, -1.0000000180025095e-35, 1e-40]
    return np.concatenate((plain, exact, zeros, [1e300, -1e300, 3.5e38]))


def _random_tree(
    rng: Generator, features: int, numeric: int, most_leaves: int, pool: NDArray[np.float64]
) -> TreeText:
    tree = TreeText()
    for _ in range(int(rng.integers(0, most_leaves))):
        feature, missing = int(rng.integers(features)), int(rng.integers(3))
        decision = missing << 2 | int(rng.integers(2)) << 1
        if feature < numeric:
            threshold = float(rng.choice(pool))
        else:
            threshold, decision = float(len(tree.words)), decision | 1
            count = int(rng.integers(1, CATEGORIES // 32 + 2))
            tree.words.append(rng.integers(0, 2**32, count).tolist())
        tree.split(int(rng.integers(len(tree.value))), feature, threshold, decision)
    tree.value = rng.normal(size=len(tree.value)).tolist()
    return tree


def random_rows(rng: Generator, n: int, features: int) -> NDArray[np.float32]:
    """Draw rows that stand on thresholds, just beside them, and where no sane value is."""
    with np.errstate(over="ignore"):
        near = thresholds(rng).astype(np.float32)
    up, down = np.nextafter(near, np.float32(np.inf)), np.nextafter(near, np.float32(-np.inf))
    odd = [np.nan, np.inf, -np.inf, 0, -0.0, 1e-36, -1e-36, 1e-45, 1e20, -1e20, 3e9, -0.5, -1, -2]
    pool = np.concatenate(
        (near, up, down, np.array(odd * 30, np.float32), np.arange(-2, CATEGORIES + 70) + 0.0)
    ).astype(np.float32)
    return rng.choice(pool, (n, features))
