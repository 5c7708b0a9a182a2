"""The snapshot: everything a request ranks with, immutable and of one version."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Final, Protocol

import numpy as np
from numpy.typing import NDArray

from features.types import Items, Mask, Rows, Scores
from ranking.catalogue import Catalogue
from ranking.columns import ItemLayout, Wanted, ranker_columns
from ranking.scan.sketch import Sketch
from ranking.segments import Segments

SKETCH_FROM: Final = 50_000
"""The number of items from which a sketch beats looking at all of them: decision 0008."""

NEWEST: Final = 4096
"""So many of the newest items are kept in order: what is older is not new."""

_ROWS_AT_ONCE: Final = 1 << 16
_TINY: Final = np.finfo(np.float32).tiny


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
        retired: bool[n_items], True for what must not be shown any more; None where all may.
        upserted: how many items, the last ones, came after the model was learnt: the embeddings of
            these are guesses.
        made_at: when the artifact was made, in ISO 8601; empty if nobody knows.
        rankers: others that rank the same rows, by name: objectives besides the scorer's.
        added_ms: int64[n], when each of the learnt items was new, in milliseconds since the epoch;
            None in models that do not know.
        segments: how popular items are with whom; None likewise.

    Derived, once:
        directions: float32[n_items, d], embeddings of unit length, for cosines and MMR.
        popular: int64[n_items], ordinals, most popular first.
        newest: int64[m], ordinals of learnt items, the latest first; empty if nobody knows.
        numbers, attributes: float32[n_items, *], those columns of item_rows, side by side.
        layout: where they stand in a row.
        columns: the names of all columns that `ranking.assemble` can make.
        wanted: which of them the scorer wants, and where.
        sketch: of the embeddings, where the catalogue is so large that reading them all takes long.

    Every array is made read-only. Raises ValueError where the scorer asks for an unknown column, or
    a ranker for others than the scorer.
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
    retired: Mask | None = None
    upserted: int = 0
    made_at: str = ""
    rankers: Mapping[str, Scorer] = MappingProxyType({})
    added_ms: NDArray[np.int64] | None = None
    segments: Segments | None = None
    directions: NDArray[np.float32] = field(init=False)
    popular: Items = field(init=False)
    newest: Items = field(init=False)
    numbers: Rows = field(init=False)
    attributes: Rows = field(init=False)
    layout: ItemLayout = field(init=False)
    columns: tuple[str, ...] = field(init=False)
    wanted: Wanted = field(init=False)
    sketch: Sketch | None = field(init=False)

    def __post_init__(self) -> None:
        """Derive, then freeze the arrays."""
        for name, ranker in self.rankers.items():
            if ranker.columns != self.scorer.columns:
                raise ValueError(f"the ranker {name!r} has other columns than the scorer")
        layout = ItemLayout.of(self.schemas["item"])
        columns = ranker_columns(self.item_columns, self.user_columns, layout)
        derived = {
            "directions": unit(self.embeddings),
            "popular": np.argsort(-self.popularity, kind="stable"),
            "newest": np.argsort(-self.added_ms, kind="stable")[:NEWEST]
            if self.added_ms is not None
            else np.empty(0, np.int64),
            "numbers": np.ascontiguousarray(self.item_rows[:, layout.numbers]),
            "attributes": np.ascontiguousarray(self.item_rows[:, layout.attributes]),
            "layout": layout,
            "columns": columns,
            "wanted": Wanted.of(self.scorer.columns, columns, layout),
            "sketch": Sketch.draw(self.embeddings) if len(self.catalogue) >= SKETCH_FROM else None,
        }
        for name, value in derived.items():
            object.__setattr__(self, name, value)
        for name in self.__dataclass_fields__:
            value = getattr(self, name)
            if isinstance(value, np.ndarray):
                value.flags.writeable = False

    @classmethod
    def restored(cls, given: Mapping[str, Any], derived: Mapping[str, Any]) -> Snapshot:
        """Return the snapshot of given fields whose derived arrays, and sketch, were kept.

        Raises ValueError where the scorer asks for an unknown column.
        """
        layout = ItemLayout.of(given["schemas"]["item"])
        columns = ranker_columns(given["item_columns"], given["user_columns"], layout)
        wanted = Wanted.of(given["scorer"].columns, columns, layout)
        rest: dict[str, Any] = {"retired": None, "upserted": 0}
        rest |= {"layout": layout, "columns": columns, "wanted": wanted}
        return cls._whole({**rest, **given, **derived})

    @classmethod
    def _whole(cls, fields: Mapping[str, Any]) -> Snapshot:
        if fields.keys() != cls.__dataclass_fields__.keys():
            odd = ", ".join(sorted(fields.keys() ^ cls.__dataclass_fields__.keys()))
            raise TypeError(f"fields that a snapshot has not, or lacks: {odd}")
        made = object.__new__(cls)
        for name, value in fields.items():
            if isinstance(value, np.ndarray):
                value.flags.writeable = False
            object.__setattr__(made, name, value)
        return made

    def changed(self, **fields: Any) -> Snapshot:
        """Return a snapshot with other values of some fields, derived ones too: none is made anew.

        Whoever changes one changes its kin; `ranking.extend` does. Arrays are made read-only.
        """
        own = {name: getattr(self, name) for name in self.__dataclass_fields__}
        return Snapshot._whole({**own, **fields})

    def ranked_by(self, scorer: Scorer) -> Snapshot:
        """Return the snapshot with this scorer, and no other rankers: theirs are other columns."""
        wanted = Wanted.of(scorer.columns, self.columns, self.layout)
        return self.changed(scorer=scorer, rankers=MappingProxyType({}), wanted=wanted)


def unit(vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return float32[n, d], each at length 1; zeros stay."""
    directions = np.empty_like(vectors)
    for low in range(0, len(vectors), _ROWS_AT_ONCE):  # all at once takes three times the memory
        block = vectors[low : low + _ROWS_AT_ONCE]
        lengths = np.linalg.norm(block, axis=1, keepdims=True)
        np.divide(block, np.maximum(lengths, _TINY), out=directions[low : low + _ROWS_AT_ONCE])
    return directions
