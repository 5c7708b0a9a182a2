"""The catalogue: which items exist, and the ordinal that stands for each inside the pipeline."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from features.types import Items


@dataclass(frozen=True, slots=True)
class Catalogue:
    """Items in a fixed order; an item's ordinal is its place in ``ids``.

    ``properties`` holds what a response shows of each item (title, genre, ...), JSON-ready.
    """

    ids: tuple[str, ...]
    properties: tuple[dict[str, Any], ...]
    _ordinals: dict[str, int] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Index the ids; raise ValueError on a repeated id or a wrong number of properties."""
        if len(self.properties) != len(self.ids):
            raise ValueError(f"{len(self.ids)} ids but {len(self.properties)} property records")
        ordinals = {item: ordinal for ordinal, item in enumerate(self.ids)}
        if len(ordinals) != len(self.ids):
            raise ValueError("an item id occurs twice")
        object.__setattr__(self, "_ordinals", ordinals)

    def __len__(self) -> int:
        """Return the number of items."""
        return len(self.ids)

    def ordinal(self, item_id: str) -> int | None:
        """Return the item's ordinal, or None where the id is unknown."""
        return self._ordinals.get(item_id)

    def ordinals(self, item_ids: Iterable[str]) -> Items:
        """Return ordinals int64[k] in the order given: unknown ids and repeats dropped."""
        found = dict.fromkeys(map(self._ordinals.get, item_ids))
        found.pop(None, None)
        return np.fromiter(found, dtype=np.int64, count=len(found))
