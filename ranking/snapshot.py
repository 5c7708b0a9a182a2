"""The snapshot: everything a request ranks with, immutable and of one version."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from features.types import Items, Rows, Scores
from ranking.catalogue import Catalogue
from ranking.columns import ItemLayout, group_lengths, ranker_columns
from ranking.nearest import Nearest

type Columns = slice | NDArray[np.int64]
"""Some columns of an array, as an index."""


class Scorer(Protocol):
    """Ranks rows: the columns it wants, and float32[n, f] -> float32[n], higher is better.

    ``rows_per_block`` rows cost as much as one; shares are cut at its multiples.
    """

    columns: tuple[str, ...]
    rows_per_block: int

    def __call__(self, rows: Rows) -> Scores:
        """Score each row on its own; same length, same order."""
        ...


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Catalogue, retrieval arrays and scorer that belong together. Published, never mutated.

    Given:
        version: the artifact's, e.g. "2026-11-22-1"; every response carries it.
        catalogue: n_items items.
        embeddings: float32[n_items, d]; a user's vector is folded in from the history.
        neighbours: int32[n_items, k], each item's co-occurring items, best first, -1 as padding.
        neighbour_scores: float32[n_items, k], 0 at the padding.
        popularity: float32[n_items], time-decayed, in [0, 1].
        item_rows: float32[n_items, w], the items' feature rows when the artifact was made.
        item_columns, user_columns: the names of the columns of the stored rows.
        schemas: the item and the user schema as JSON documents.
        scorer: ranks the rows that `ranking.assemble` makes.
        index: approximate vector search, for large catalogues; None means exact search.

    Derived, once:
        directions: float32[n_items, d], embeddings of unit length, for cosines and MMR.
        popular: int64[n_items], ordinals, most popular first.
        numbers, attributes: float32[n_items, *], those columns of item_rows, side by side.
        layout: where they stand in a row.
        columns: the names of all columns that `ranking.assemble` can make.
        parts: by group of columns, those that the scorer wants and where it wants them, a pair
            of indices into the group and into the row; no group of which it wants none.

    Every array is made read-only. Raises ValueError where the scorer asks for an unknown column.
    """

    version: str
    catalogue: Catalogue
    embeddings: NDArray[np.float32]
    neighbours: NDArray[np.int32]
    neighbour_scores: NDArray[np.float32]
    popularity: NDArray[np.float32]
    item_rows: Rows
    item_columns: tuple[str, ...]
    user_columns: tuple[str, ...]
    schemas: dict[str, Any]
    scorer: Scorer
    index: Nearest | None = None
    directions: NDArray[np.float32] = field(init=False)
    popular: Items = field(init=False)
    numbers: Rows = field(init=False)
    attributes: Rows = field(init=False)
    layout: ItemLayout = field(init=False)
    columns: tuple[str, ...] = field(init=False)
    parts: Mapping[str, tuple[Columns, Columns]] = field(init=False)

    def __post_init__(self) -> None:
        """Derive, then freeze the arrays."""
        layout = ItemLayout.of(self.schemas["item"])
        columns = ranker_columns(self.item_columns, self.user_columns, layout)
        lengths = np.linalg.norm(self.embeddings, axis=1, keepdims=True)
        derived = {
            "directions": self.embeddings / np.maximum(lengths, np.finfo(np.float32).tiny),
            "popular": np.argsort(-self.popularity, kind="stable"),
            "numbers": np.ascontiguousarray(self.item_rows[:, layout.numbers]),
            "attributes": np.ascontiguousarray(self.item_rows[:, layout.attributes]),
            "layout": layout,
            "columns": columns,
            "parts": _parts(
                columns, self.scorer.columns, len(layout.numbers), len(self.item_columns)
            ),
        }
        for name, value in derived.items():
            object.__setattr__(self, name, value)
        for name in self.__dataclass_fields__:
            value = getattr(self, name)
            if isinstance(value, np.ndarray):
                value.flags.writeable = False


def _parts(
    columns: tuple[str, ...], wanted: tuple[str, ...], numbers: int, width: int
) -> dict[str, tuple[Columns, Columns]]:
    place = {name: index for index, name in enumerate(columns)}
    unknown = [name for name in wanted if name not in place]
    if unknown:
        raise ValueError(f"the scorer asks for unknown columns: {', '.join(unknown)}")
    places = np.array([place[name] for name in wanted], dtype=np.int64)
    parts, low = {}, 0
    lengths = group_lengths(numbers, width, len(columns))
    for name, length in lengths.items():
        target = np.flatnonzero((places >= low) & (places < low + length))
        if len(target):
            parts[name] = _sliced(places[target] - low), _sliced(target)
        low += length
    return parts


def _sliced(indices: NDArray[np.int64]) -> Columns:
    """Return consecutive indices as a slice, which numpy copies several times faster."""
    first, count = int(indices[0]), len(indices)
    if np.array_equal(indices, np.arange(first, first + count)):
        return slice(first, first + count)
    return indices
