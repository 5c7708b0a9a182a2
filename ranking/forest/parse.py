"""Read LightGBM's model text, and refuse whatever could not be scored exactly.

LightGBM's own reader trusts its input: a cyclic tree hangs it and a wrong count reads past the
end of an array. This one checks every number before a kernel sees it.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

type Floats = NDArray[np.float64]
type Ints = NDArray[np.int64]

# A field that is not listed might change what a tree means, so it is refused, not skipped.
_HEADER = frozenset(
    "version num_class num_tree_per_iteration label_index max_feature_idx objective "
    "feature_names feature_infos monotone_constraints tree_sizes".split()  # noqa: SIM905 - one name a line is no easier
)
_TREE = frozenset(
    "Tree num_leaves num_cat split_feature split_gain threshold decision_type left_child "
    "right_child leaf_value leaf_weight leaf_count internal_value internal_weight "
    "internal_count cat_boundaries cat_threshold is_linear shrinkage".split()  # noqa: SIM905 - ditto
)
_NUMBER = re.compile(r"[-+]?[0-9]*\.?[0-9]+(?:[eE][-+]?[0-9]+)?")
_INTEGER = re.compile(r"-?[0-9]{1,10}")

CATEGORICAL, DEFAULT_LEFT = 1, 2
MISSING_NONE, MISSING_ZERO, MISSING_NAN = 0, 1, 2


class ModelRejected(ValueError):
    """The model text is damaged or asks for what the kernel cannot do; the message says which."""


@dataclass(frozen=True, slots=True)
class Tree:
    """One decision tree of m internal nodes and m + 1 leaves, as LightGBM numbers them.

    ``left`` and ``right`` are int64[m]: a child >= 0 is an internal node, which always comes
    after its parent; a child c < 0 is leaf ~c. ``decision`` is int64[m], LightGBM's decision
    type. ``threshold`` is float64[m]; for a categorical node it is an index into
    ``categories``, whose sets hold the categories that go left. ``value`` is float64[m + 1].
    """

    feature: Ints
    threshold: Floats
    decision: Ints
    left: Ints
    right: Ints
    value: Floats
    categories: tuple[frozenset[int], ...]


@dataclass(frozen=True, slots=True)
class Forest:
    """Trees whose values add up to the raw score of a row with these columns."""

    columns: tuple[str, ...]
    trees: tuple[Tree, ...]


def parse(text: str, columns: Sequence[str] | None = None) -> Forest:
    """Read a forest from LightGBM model text (versions v3 and v4).

    Raises ModelRejected, naming the tree and the fault, if the text is truncated or
    inconsistent, if its features are not ``columns`` in that order (None: take the model's), or
    if its output is not one sum of leaf values (several classes, averaging, linear trees).
    """
    head, blocks = _split(text)
    names = tuple(head.get("feature_names", "").split())
    for key, wanted in (("num_class", "1"), ("num_tree_per_iteration", "1")):
        if head.get(key) != wanted:
            raise ModelRejected(f"{key} is {head.get(key)!r}: only models with one output")
    if head.get("version") not in {"v3", "v4"}:
        raise ModelRejected(f"version {head.get('version')!r}: only v3 and v4 are known")
    if head.get("max_feature_idx") != str(len(names) - 1):
        raise ModelRejected(
            f"max_feature_idx is {head.get('max_feature_idx')!r} but {len(names)} names follow"
        )
    if columns is not None and names != tuple(columns):
        raise ModelRejected(_difference(names, tuple(columns)))
    trees = []
    for number, block in enumerate(blocks):
        try:
            trees.append(_tree(_fields(block, _TREE), number, len(names)))
        except ModelRejected as fault:
            raise ModelRejected(f"tree {number}: {fault}") from None
    return Forest(names, tuple(trees))


def _split(text: str) -> tuple[dict[str, str], list[str]]:
    """Cut the text into the header's fields and one block of text per tree."""
    body, end, _ = text.partition("\nend of trees\n")
    if not end:
        raise ModelRejected("truncated: 'end of trees' is missing")
    first, _, body = body.partition("\n")
    if first != "tree":
        raise ModelRejected(f"not a LightGBM model: it starts with {first[:40]!r}")
    header, *blocks = re.split(r"^(?=Tree=)", body, flags=re.MULTILINE)
    if re.search(r"^average_output$", header, flags=re.MULTILINE):
        raise ModelRejected("average_output: random forests are not supported")
    head = _fields(header, _HEADER)
    # LightGBM's reader jumps by these sizes: if they hold, it and we read the same trees.
    sizes = [str(len(block.encode())) for block in blocks[:-1]]
    sizes += [str(len(block.encode()) + 1) for block in blocks[-1:]]  # the newline cut off above
    if head.get("tree_sizes", "").split() != sizes:
        raise ModelRejected(f"tree_sizes does not match the {len(blocks)} trees that follow")
    return head, blocks


def _fields(block: str, known: frozenset[str]) -> dict[str, str]:
    fields: dict[str, str] = {}
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


def _tree(fields: dict[str, str], number: int, features: int) -> Tree:
    if fields.get("Tree") != str(number):
        raise ModelRejected(f"numbered {fields.get('Tree')!r}")
    if fields.get("is_linear", "0") != "0":
        raise ModelRejected("linear leaves are not supported")
    (leaves,) = _integers(fields, "num_leaves", 1)
    if leaves < 1:
        raise ModelRejected(f"num_leaves is {leaves}")
    nodes = int(leaves) - 1
    tree = Tree(
        feature=_integers(fields, "split_feature", nodes),
        threshold=_floats(fields, "threshold", nodes),
        decision=_integers(fields, "decision_type", nodes),
        left=_integers(fields, "left_child", nodes),
        right=_integers(fields, "right_child", nodes),
        value=_floats(fields, "leaf_value", nodes + 1),
        categories=_categories(fields),
    )
    if ((tree.feature < 0) | (tree.feature >= features)).any():
        raise ModelRejected(f"split_feature is not within the {features} features")
    if ((tree.decision < 0) | (tree.decision >> 2 > MISSING_NAN)).any():
        raise ModelRejected("decision_type is unknown")
    cat = tree.threshold[tree.decision & CATEGORICAL == 1]
    if ((cat < 0) | (cat >= len(tree.categories)) | (cat != np.floor(cat))).any():
        raise ModelRejected("a categorical split names no category set")
    _check_shape(tree)
    return tree


def _check_shape(tree: Tree) -> None:
    """Prove that the nodes form one tree: each is reached once, and only from an earlier one."""
    nodes, leaves = len(tree.feature), len(tree.value)
    children = np.concatenate((tree.left, tree.right))
    if ((children < -leaves) | (children >= nodes)).any():
        raise ModelRejected("a child is outside the tree")
    if (np.sort(children) != np.delete(np.arange(-leaves, nodes), leaves)).any():
        raise ModelRejected("not a tree: a node or leaf has no parent, or two")
    inner = children >= 0
    if (children[inner] <= np.tile(np.arange(nodes), 2)[inner]).any():
        raise ModelRejected("cyclic: a node comes before its parent")


def _categories(fields: dict[str, str]) -> tuple[frozenset[int], ...]:
    (count,) = _integers(fields, "num_cat", 1)
    if count == 0:
        return ()
    if not 0 < count <= len(fields.get("cat_boundaries", "")):
        raise ModelRejected(f"num_cat is {count}")
    bounds = _integers(fields, "cat_boundaries", int(count) + 1)
    words = _integers(fields, "cat_threshold", None)
    if bounds[0] != 0 or bounds[-1] != len(words) or (np.diff(bounds) < 1).any():
        raise ModelRejected("cat_boundaries do not partition cat_threshold")
    if ((words < 0) | (words >> 32 != 0)).any():
        raise ModelRejected("cat_threshold is not made of 32-bit words")
    octets = words.astype("<u4").view(np.uint8)
    return tuple(
        frozenset(np.flatnonzero(np.unpackbits(octets[4 * a : 4 * b], bitorder="little")).tolist())
        for a, b in pairwise(bounds.tolist())
    )


def _words(fields: dict[str, str], key: str, count: int | None, form: re.Pattern[str]) -> list[str]:
    words = fields.get(key, "").split()
    if count is not None and len(words) != count:
        raise ModelRejected(f"{key} has {len(words)} values, not {count}")
    for word in words:
        if not form.fullmatch(word):
            raise ModelRejected(f"{key} holds {word[:40]!r}")
    return words


def _integers(fields: dict[str, str], key: str, count: int | None) -> Ints:
    return np.array([int(word) for word in _words(fields, key, count, _INTEGER)], np.int64)


def _floats(fields: dict[str, str], key: str, count: int) -> Floats:
    values = np.array([float(word) for word in _words(fields, key, count, _NUMBER)], np.float64)
    if not np.isfinite(values).all():  # 1e999 is a well-formed number
        raise ModelRejected(f"{key} overflows")
    return values
