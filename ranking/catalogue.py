"""The catalogue: which items exist, and the ordinal that stands for each inside the pipeline."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from features.types import Items
from ranking.names import Names
from ranking.packed import amend


@dataclass(frozen=True, slots=True)
class Catalogue:
    """Items in a fixed order; an item's ordinal is its place in ``ids``.

    ``properties`` holds what a response shows of each item (title, genre, ...), JSON-ready;
    ``names`` looks ids up, and knows nothing of properties.
    """

    ids: Sequence[str]
    properties: Sequence[dict[str, Any]]
    names: Names = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Index the ids; raise ValueError on a repeated id or a wrong number of properties."""
        if len(self.properties) != len(self.ids):
            raise ValueError(f"{len(self.ids)} ids but {len(self.properties)} property records")
        object.__setattr__(self, "names", Names(self.ids))

    @classmethod
    def known(
        cls, ids: Sequence[str], properties: Sequence[dict[str, Any]], names: Names
    ) -> Catalogue:
        """Return the catalogue of ids that are indexed already."""
        made = object.__new__(cls)
        object.__setattr__(made, "ids", ids)
        object.__setattr__(made, "properties", properties)
        object.__setattr__(made, "names", names)
        return made

    def __len__(self) -> int:
        """Return the number of items."""
        return len(self.ids)

    def changed(self, new: Sequence[str], properties: Mapping[int, Mapping[str, Any]]) -> Catalogue:
        """Return the catalogue with new items behind the others, and other properties of some.

        ``properties`` are by ordinal. Raises ValueError where a new id is there already.
        """
        told = {item: dict(record) for item, record in properties.items()}
        blank: list[dict[str, Any]] = [{} for _ in new]
        return Catalogue.known(
            amend(self.ids, {}, new),
            amend(self.properties, told, blank),
            self.names.appended(new) if new else self.names,
        )

    def ordinal(self, item_id: str) -> int | None:
        """Return the item's ordinal, or None where the id is unknown."""
        found = self.names([item_id])
        return int(found[0]) if len(found) else None

    def ordinals(self, item_ids: Iterable[str]) -> Items:
        """Return ordinals int64[k] in the order given: unknown ids and repeats dropped."""
        return self.names(item_ids)

    def located(self, item_ids: Iterable[str], *, repeats: bool = False) -> tuple[Items, Items]:
        """Return ordinals int64[k] and where each stood among the ids, as `Names.located` does."""
        return self.names.located(item_ids, repeats=repeats)
