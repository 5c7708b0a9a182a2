"""Read LightGBM's model text, and refuse whatever could not be scored exactly.

LightGBM's own reader trusts its input: a cyclic tree hangs it, a wrong count makes it read past
the end of an array. Here every number is checked before a kernel sees it.
"""

import re
from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from ranking.forest.tree import CATEGORICAL, MISSING_NAN, Forest, ModelRejected, Tree

type Fields = dict[str, str]

# A field that is not listed might change what a tree means, so it is refused, not skipped.
_HEADER = """
    version num_class num_tree_per_iteration label_index max_feature_idx objective feature_names
    feature_infos monotone_constraints tree_sizes"""
_TREE = """
    Tree num_leaves num_cat split_feature split_gain threshold decision_type left_child
    right_child leaf_value leaf_weight leaf_count internal_value internal_weight internal_count
    cat_boundaries cat_threshold is_linear shrinkage"""
_NUMBER = re.compile(r"[-+]?[0-9]*\.?[0-9]+(?:[eE][-+]?[0-9]+)?")
_INTEGER = re.compile(r"-?[0-9]{1,10}")
_LONGEST = 40  # characters of a number: of a longer one the pattern may take quadratic time
_LARGEST_SCORE = float(np.finfo(np.float32).max)
_MOST_CATEGORIES = 1 << 22  # of all trees: twelve bytes of text may be 32 of them


def parse(text: str, columns: Sequence[str] | None = None) -> Forest:
    """Read a forest from LightGBM model text, version v3 or v4.

    Raises ModelRejected, naming the tree and the fault, if the text is truncated or
    inconsistent, if its features are not ``columns`` in that order (None: take the model's), or
    if its output is not one sum of leaf values (several classes, averaging, linear leaves).
    """
    header, blocks = _split(text)
    names = tuple(header.get("feature_names", "").split())
    if header.get("version") not in {"v3", "v4"}:
        raise ModelRejected(f"version is {header.get('version')!r}: only v3 and v4 are known")
    for key in ("num_class", "num_tree_per_iteration"):
        if header.get(key) != "1":
            raise ModelRejected(f"{key} is {header.get(key)!r}: only models with one output")
    if header.get("max_feature_idx") != str(len(names) - 1):
        index = header.get("max_feature_idx")
        raise ModelRejected(f"max_feature_idx is {index!r} with {len(names)} feature_names")
    if columns is not None and names != tuple(columns):
        raise ModelRejected(_difference(names, tuple(columns)))
    trees = list[Tree]()
    categories = 0
    for number, block in enumerate(blocks):
        try:
            tree = _tree(_fields(block, _TREE.split()), number, len(names))
            categories += sum(map(len, tree.categories))
            if categories > _MOST_CATEGORIES:
                raise ModelRejected(f"more than {_MOST_CATEGORIES} categories until here")
        except ModelRejected as fault:
            raise ModelRejected(f"tree {number}: {fault}") from None
        trees.append(tree)
    if not trees:
        raise ModelRejected("there are no trees")
    if sum(float(np.abs(tree.value).max()) for tree in trees) > _LARGEST_SCORE:
        raise ModelRejected("its scores may overflow: no float32 holds the sum of its leaves")
    return Forest(names, tuple(trees))


def _split(text: str) -> tuple[Fields, list[str]]:
    """Cut the text into the header's fields and one block of text per tree."""
    body, end, _ = text.partition("\nend of trees\n")
    if not end:
        raise ModelRejected("truncated: 'end of trees' is missing")
    first, _, body = body.partition("\n")
    if first != "tree":
        raise ModelRejected(f"not a LightGBM model: it starts with {first[:40]!r}")
    head, *blocks = re.split(r"^(?=Tree=)", f"{body}\n", flags=re.MULTILINE)
    if re.search(r"^average_output$", head, flags=re.MULTILINE):
        raise ModelRejected("average_output: random forests are not supported")
    header = _fields(head, _HEADER.split())
    # LightGBM's reader jumps by these sizes: if they hold, it and we read the same trees.
    if header.get("tree_sizes", "").split() != [str(len(block.encode())) for block in blocks]:
        raise ModelRejected(f"tree_sizes does not match the {len(blocks)} trees that follow")
    return header, blocks


def _fields(block: str, known: list[str]) -> Fields:
    fields: Fields = {}
    for line in filter(None, block.split("\n")):
        key, equals, value = line.partition("=")
        if not equals or key not in known:
            raise ModelRejected(f"unknown field {line[:40]!r}")
        if key in fields:
            raise ModelRejected(f"field {key!r} appears twice")
        fields[key] = value
    return fields


def _difference(names: tuple[str, ...], columns: tuple[str, ...]) -> str:
    if len(names) != len(columns):
        return f"the model has {len(names)} features, the rows have {len(columns)}"
    at = next(i for i, pair in enumerate(zip(names, columns, strict=True)) if len({*pair}) == 2)
    return f"feature {at} is {names[at]!r} in the model and {columns[at]!r} in the rows"


def _tree(fields: Fields, number: int, features: int) -> Tree:
    if fields.get("Tree") != str(number):
        raise ModelRejected(f"it is numbered {fields.get('Tree')!r}")
    if fields.get("is_linear", "0") != "0":
        raise ModelRejected("linear leaves are not supported")
    (leaves,) = _integers(fields, "num_leaves", 1).tolist()
    if leaves < 1:
        raise ModelRejected(f"num_leaves is {leaves}")
    nodes = leaves - 1
    tree = Tree(
        feature=_integers(fields, "split_feature", nodes),
        threshold=_floats(fields, "threshold", nodes),
        decision=_integers(fields, "decision_type", nodes),
        left=_integers(fields, "left_child", nodes),
        right=_integers(fields, "right_child", nodes),
        value=_floats(fields, "leaf_value", leaves),
        categories=_categories(fields),
        counts=_counts(fields, leaves),
    )
    if ((tree.feature < 0) | (tree.feature >= features)).any():
        raise ModelRejected(f"split_feature names a feature beyond the {features}")
    if ((tree.decision < 0) | (tree.decision >> 2 > MISSING_NAN)).any():
        raise ModelRejected("decision_type is unknown")
    sets = tree.threshold[tree.decision & CATEGORICAL == 1]
    if ((sets < 0) | (sets >= len(tree.categories)) | (sets != np.floor(sets))).any():
        raise ModelRejected("a categorical split names no category set")
    _check_shape(tree)
    return tree


def _check_shape(tree: Tree) -> None:
    """Prove that the nodes form one tree: each has one parent, which comes before it."""
    nodes, leaves = len(tree.feature), len(tree.value)
    children = np.concatenate((tree.left, tree.right))
    if ((children < -leaves) | (children >= nodes)).any():
        raise ModelRejected("a child is outside the tree")
    all_but_the_root = np.delete(np.arange(-leaves, nodes), leaves) if nodes else children
    if not np.array_equal(np.sort(children), all_but_the_root):
        raise ModelRejected("not a tree: a node or leaf has no parent, or two")
    if (children[children >= 0] <= np.tile(np.arange(nodes), 2)[children >= 0]).any():
        raise ModelRejected("cyclic: a node comes before its parent")


def _categories(fields: Fields) -> tuple[frozenset[int], ...]:
    (count,) = _integers(fields, "num_cat", 1).tolist()
    if count == 0:
        return ()
    bounds = _integers(fields, "cat_boundaries", count + 1)
    words = _integers(fields, "cat_threshold", None)
    if bounds[0] != 0 or bounds[-1] != len(words) or (np.diff(bounds) < 1).any():
        raise ModelRejected("cat_boundaries do not partition cat_threshold")
    if ((words < 0) | (words >> 32 != 0)).any():
        raise ModelRejected("cat_threshold is not made of 32-bit words")
    if np.bitwise_count(words).sum() > _MOST_CATEGORIES:
        raise ModelRejected(f"cat_threshold names more than {_MOST_CATEGORIES} categories")
    octets = words.astype("<u4").view(np.uint8)
    return tuple(
        frozenset(np.flatnonzero(np.unpackbits(octets[4 * a : 4 * b], bitorder="little")).tolist())
        for a, b in pairwise(bounds.tolist())
    )


def _counts(fields: Fields, leaves: int) -> NDArray[np.int64] | None:
    """Read how many rows ended in each leaf; None where that is not known of every leaf."""
    if "leaf_count" not in fields:
        return None
    counts = _integers(fields, "leaf_count", leaves)
    return counts if (counts > 0).all() else None


def _words(fields: Fields, key: str, count: int | None, form: re.Pattern[str]) -> list[str]:
    words = fields.get(key, "").split()
    if count is not None and len(words) != count:
        raise ModelRejected(f"{key} has {len(words)} values, not {count}")
    for word in words:
        if len(word) > _LONGEST or not form.fullmatch(word):
            raise ModelRejected(f"{key} holds {word[:40]!r}")
    return words


def _integers(fields: Fields, key: str, count: int | None) -> NDArray[np.int64]:
    return np.array([int(word) for word in _words(fields, key, count, _INTEGER)], np.int64)


def _floats(fields: Fields, key: str, count: int) -> NDArray[np.float64]:
    values = np.array([float(word) for word in _words(fields, key, count, _NUMBER)], np.float64)
    if not np.isfinite(values).all():  # 1e999 is a well-formed number
        raise ModelRejected(f"{key} overflows")
    return values
