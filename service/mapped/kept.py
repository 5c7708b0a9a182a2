"""What serving derives from a catalogue, where it was kept: made once, mapped by all."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from features.item_table import ItemTable
from ranking.catalogue import Catalogue
from ranking.filters import Table
from ranking.packed import Amended, Packed, amend
from service.filters import Filters


@dataclass(frozen=True, slots=True)
class Kept:
    """The keys, the filters' columns and the encoded properties of a catalogue's items."""

    items: ItemTable
    table: Table
    properties: Packed[msgspec.Raw]

    def items_of(self, catalogue: Catalogue) -> ItemTable:
        """Return the keys of this catalogue, or of one that came of it by `changed`."""
        new = catalogue.ids[len(self.items) :]
        return self.items.appended(new) if new else self.items

    def shown_of(self, catalogue: Catalogue) -> tuple[Filters, Sequence[msgspec.Raw]]:
        """Return the columns and the encoded properties of such a catalogue's items."""
        first, size = len(self.items), len(catalogue)
        shown = catalogue.properties
        told = [*range(first, size), *(shown.changes if isinstance(shown, Amended) else ())]
        if not told:
            return Filters.of(self.table), self.properties
        encode = msgspec.json.Encoder().encode
        raws = {item: msgspec.Raw(encode(shown[item])) for item in told}
        return (
            Filters.of(self.table.changed(size, {item: shown[item] for item in told})),
            amend(self.properties, raws, [msgspec.Raw(b"{}")] * (size - first)),
        )


def encoded(properties: Sequence[Mapping[str, Any]]) -> Sequence[msgspec.Raw]:
    """Return records as JSON, to be written out as they are."""
    encode = msgspec.json.Encoder().encode
    return tuple(msgspec.Raw(encode(record)) for record in properties)
