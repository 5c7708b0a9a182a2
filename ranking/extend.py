"""A snapshot with items that came, changed or went after its model was learnt."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from features.types import Items, Mask, Rows
from ranking.cold import embed_like
from ranking.scan.sketch import Sketch
from ranking.snapshot import SKETCH_FROM, Snapshot, unit

LONGEST_TAIL: Final = 4096
"""Vectors that a sketch may lack: a search looks at each of them."""


@dataclass(frozen=True, slots=True)
class Changes:
    """What m items are from now on, each once.

    ``properties`` is None where they stay as they are. ``rows`` is float32[m, w] in the layout of
    the snapshot's item rows, ``retired`` bool[m]. New items get their ordinals in this order.
    """

    ids: tuple[str, ...]
    properties: tuple[Mapping[str, Any] | None, ...]
    rows: Rows
    retired: Mask


BLANKS: Final = {
    "embeddings": 0.0,
    "directions": 0.0,
    "neighbours": -1,
    "neighbour_scores": 0.0,
    "popularity": 0.0,
    "item_rows": 0.0,
    "numbers": 0.0,
    "attributes": 0.0,
}
"""The arrays with an entry per item, and what a new item has there at first."""


def extend(snapshot: Snapshot, changes: Changes) -> Snapshot:
    """Return the snapshot with the changes; the one given stays what it is.

    New items stand behind the others, so that every ordinal goes on meaning what it meant. They
    have no neighbours and no popularity; their embeddings come from items with like attributes
    (`embed_like`), and are made anew when their rows change. Those of other items are learnt and
    stay. A retired item keeps all it has: it still says something about who consumed it.

    What nobody changed is shared with the snapshot given; the rest is copied, not derived anew.
    """
    catalogue = snapshot.catalogue
    known = {catalogue.ids[item]: item for item in catalogue.ordinals(changes.ids).tolist()}
    new = tuple(item_id for item_id in changes.ids if item_id not in known)
    ordinal = known | {item_id: len(catalogue) + place for place, item_id in enumerate(new)}
    items = np.array([ordinal[item_id] for item_id in changes.ids], np.int64)
    shown = {item_id: catalogue.properties[item] for item_id, item in known.items()}
    told = {
        ordinal[item_id]: record
        for item_id, record in zip(changes.ids, changes.properties, strict=True)
        if record is not None and record != shown.get(item_id)
    }
    draft = _Draft(snapshot, len(new))
    if new or told:
        draft.fields["catalogue"] = catalogue.changed(new, told)
    _write_rows(draft, snapshot, items, changes.rows)
    _write_retired(draft, snapshot, items, changes.retired)
    return snapshot.changed(**draft.fields)


class _Draft:
    """The fields that differ from a snapshot's; arrays are copied when first written to."""

    def __init__(self, snapshot: Snapshot, more: int) -> None:
        self._snapshot = snapshot
        self.fields: dict[str, Any] = {}
        if more:
            n = len(snapshot.catalogue)
            for name, blank in BLANKS.items():
                self.fields[name] = _grown(getattr(snapshot, name), more, blank)
            # The least popular come last, by their ordinals; nobody has less than none.
            self.fields["popular"] = np.concatenate((snapshot.popular, np.arange(n, n + more)))
            self.fields["upserted"] = snapshot.upserted + more

    def read(self, name: str) -> NDArray[Any]:
        array: NDArray[Any] = self.fields.get(name, getattr(self._snapshot, name))
        return array

    def write(self, name: str, items: Items, values: NDArray[Any]) -> None:
        if name not in self.fields:
            self.fields[name] = getattr(self._snapshot, name).copy()
        self.fields[name][items] = values


def _grown(array: NDArray[Any], more: int, blank: float) -> NDArray[Any]:
    larger = np.empty((len(array) + more, *array.shape[1:]), array.dtype)
    larger[: len(array)] = array
    larger[len(array) :] = blank
    return larger


def _write_rows(draft: _Draft, snapshot: Snapshot, items: Items, rows: Rows) -> None:
    n = len(snapshot.catalogue)
    other = (items >= n) | (rows != draft.read("item_rows")[items]).any(axis=1)
    items, rows = items[other], rows[other]
    if not len(items):
        return
    draft.write("item_rows", items, rows)
    draft.write("numbers", items, rows[:, snapshot.layout.numbers])
    draft.write("attributes", items, rows[:, snapshot.layout.attributes])
    guessed = items >= n - snapshot.upserted
    if guessed.any():
        embeddings = embed_like(rows[guessed], snapshot)
        draft.write("embeddings", items[guessed], embeddings)
        draft.write("directions", items[guessed], unit(embeddings))
        draft.fields["sketch"] = _sketched(
            snapshot.sketch, draft.read("embeddings"), items[guessed]
        )


def _sketched(
    sketch: Sketch | None, embeddings: NDArray[np.float32], changed: Items
) -> Sketch | None:
    """Return a sketch that fits; it may lack the last few vectors, but has no old ones."""
    if len(embeddings) < SKETCH_FROM:
        return None
    if (
        sketch is None
        or len(embeddings) - sketch.size > LONGEST_TAIL
        or changed.min() < sketch.size
    ):
        return Sketch.draw(embeddings)
    return sketch


def _write_retired(draft: _Draft, snapshot: Snapshot, items: Items, retired: Mask) -> None:
    n = len(draft.read("popularity"))
    before = np.zeros(n, np.bool_)
    if snapshot.retired is not None:
        before[: len(snapshot.retired)] = snapshot.retired
    before[items] = retired
    draft.fields["retired"] = before if before.any() else None
