"""What a LightGBM model is once it has been read and believed."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

# LightGBM's decision type: two flags, then what it holds for missing.
CATEGORICAL, DEFAULT_LEFT = 1, 2
MISSING_NONE, MISSING_ZERO, MISSING_NAN = 0, 1, 2

ZERO = float(np.float32(1e-35))  # what is no larger is zero to LightGBM


class ModelRejected(ValueError):
    """The model is damaged or asks for what the kernel cannot do; the message says which."""


@dataclass(frozen=True, slots=True)
class Tree:
    """One decision tree of m internal nodes and m + 1 leaves, as LightGBM numbers them.

    ``left`` and ``right`` are int64[m]: a child >= 0 is an internal node, which always comes
    after its parent; a child c < 0 is leaf ~c. ``feature`` is int64[m], ``decision`` int64[m]
    the flags above with the kind of missing from bit 2. ``threshold`` is float64[m]; for a
    categorical node it is an index into ``categories``, the sets of categories that go left.
    ``value`` is float64[m + 1]. ``counts`` is int64[m + 1], how many training rows ended in each
    leaf, all above 0; None where the model does not tell. Only explanations ask for it.
    """

    feature: NDArray[np.int64]
    threshold: NDArray[np.float64]
    decision: NDArray[np.int64]
    left: NDArray[np.int64]
    right: NDArray[np.int64]
    value: NDArray[np.float64]
    categories: tuple[frozenset[int], ...] = ()
    counts: NDArray[np.int64] | None = None

    def sizes(self) -> list[int]:
        """Count the leaves under each internal node."""
        size = [1] * len(self.left)
        for node in reversed(range(len(size))):  # children come after their parent
            children = int(self.left[node]), int(self.right[node])
            size[node] = sum(1 if child < 0 else size[child] for child in children)
        return size


@dataclass(frozen=True, slots=True)
class Forest:
    """Trees whose values add up to the raw score of a row with these columns."""

    columns: tuple[str, ...]
    trees: tuple[Tree, ...]
