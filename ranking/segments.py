"""Segments of users, and how popular items are in each."""

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numba import types
from numpy.typing import NDArray

from features.kernels import inputs, kernel, output
from features.types import Items, Scores
from ranking.columns import ItemLayout

type Floats = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Segments:
    """Segments: a band of each number in a user's row, and each attribute that is there.

    ``edges`` is float32[f, b], ascending: the f numbers of a row each fall into one of b + 1 bands.
    ``items`` is int64[m], ascending ordinals. ``logs`` is float32[1 + f * (b + 1) + a, m]: first
    the logarithm of each item's popularity, then of how much more popular it is in each segment,
    bands before attributes. ``numbers`` int64[f] and ``attributes`` int64[a] are the columns of a
    user's row. Every array is made read-only; raises ValueError where they do not fit together.
    """

    edges: Floats
    items: Items
    logs: Floats
    numbers: NDArray[np.int64]
    attributes: NDArray[np.int64]

    def __post_init__(self) -> None:
        """Check the sizes, for kernels do not, then freeze the arrays."""
        if self.edges.ndim != 2 or len(self.edges) != len(self.numbers):
            raise ValueError(f"{len(self.edges)} rows of edges for {len(self.numbers)} numbers")
        if (np.diff(self.edges, axis=1) < 0).any():
            raise ValueError("the edges of a number's bands do not ascend")
        segments = len(self.numbers) * (self.edges.shape[1] + 1) + len(self.attributes)
        if self.logs.shape != (1 + segments, len(self.items)):
            raise ValueError(f"shape {self.logs.shape} should be {(1 + segments, len(self.items))}")
        for name in self.__dataclass_fields__:
            getattr(self, name).flags.writeable = False

    @classmethod
    def of(
        cls, edges: Floats, items: NDArray[np.int32], logs: Floats, schema: dict[str, Any]
    ) -> Self:
        """Bring together what was learnt with the layout of a user schema's rows."""
        layout = ItemLayout.of(schema)
        return cls(edges, items.astype(np.int64), logs, layout.numbers, layout.attributes)

    def scores_for(self, user_row: Floats) -> Scores:
        """Return float32[m], the logarithm of each item's popularity with people like float32[u].

        The sum over the segments is divided by the root of their number: they overlap, and
        counting each in full (naive Bayes) is too sure of itself.
        """
        scores = np.empty(len(self.items), np.float32)
        combine(user_row, self.edges, self.numbers, self.attributes, self.logs, scores)
        return scores


@kernel(
    inputs(types.float32),
    inputs(types.float32, 2),
    inputs(types.int64),
    inputs(types.int64),
    inputs(types.float32, 2),
    output(types.float32),
)
def combine(
    user_row: Floats,
    edges: Floats,
    numbers: NDArray[np.int64],
    attributes: NDArray[np.int64],
    logs: Floats,
    scores: Scores,
) -> None:
    """Write the scores of `Segments.scores_for`; a number that is not finite is in no band."""
    own = np.empty(len(numbers) + len(attributes), np.int64)
    count, bands = 0, edges.shape[1] + 1
    for number in range(len(numbers)):
        value = user_row[numbers[number]]
        if np.isfinite(value):
            band = 0
            while band < bands - 1 and value >= edges[number, band]:
                band += 1
            own[count] = 1 + number * bands + band
            count += 1
    for attribute in range(len(attributes)):
        if user_row[attributes[attribute]] > 0:
            own[count] = 1 + len(numbers) * bands + attribute
            count += 1
    scores[:] = 0.0
    for segment in own[:count]:
        for place in range(len(scores)):
            scores[place] += logs[segment, place]
    share = np.float32(1.0 / np.sqrt(max(count, 1)))
    for place in range(len(scores)):
        scores[place] = logs[0, place] + share * scores[place]
