"""What is served, with a changed catalogue."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from features.item_table import ItemTable
from features.near_cache import NearCache
from features.types import Live
from ranking.extend import Changes, extend
from ranking.packed import amend
from ranking.snapshot import Snapshot
from service.filters import Filters
from service.state import Serving
from service.surfaces.plan import Plans


@dataclass(frozen=True, slots=True)
class Growth:
    """The parts of a `Serving` that follow from its catalogue, made beside those of ``base``."""

    base: Serving
    snapshot: Snapshot
    items: ItemTable
    near: NearCache
    filters: Filters
    plans: Plans
    properties: Sequence[msgspec.Raw]
    serial: int

    @classmethod
    def of(cls, base: Serving, changes: Changes, serial: int) -> Growth:
        """Apply changes up to a serial: what they leave alone is the base's own."""
        snapshot = extend(base.snapshot, changes)
        catalogue, before = snapshot.catalogue, base.snapshot.catalogue
        if catalogue is before:
            parts = base.items, base.near, base.filters, base.plans, base.properties
            return cls(base, snapshot, *parts, serial)
        items, near = base.items, base.near
        new = catalogue.ids[len(before) :]
        if new:
            items = items.appended(new)
            near = near.grown(items, catalogue.names)
        told = {
            item: catalogue.properties[item]
            for item in catalogue.ordinals(changes.ids).tolist()
            if item >= len(before) or catalogue.properties[item] is not before.properties[item]
        }
        filters = base.filters.changed(len(catalogue), told)
        encode = msgspec.json.Encoder().encode
        raws = {item: msgspec.Raw(encode(shown)) for item, shown in told.items()}
        properties = amend(base.properties, raws, [msgspec.Raw(b"{}")] * len(new))
        plans = base.plans.renewed(snapshot, filters)
        return cls(base, snapshot, items, near, filters, plans, properties, serial)

    def onto(self, now: Serving) -> Serving:
        """Return ``now`` with these parts, or ``now`` itself where it has others than the base."""
        if now.snapshot is not self.base.snapshot:
            return now
        return replace(
            now,
            snapshot=self.snapshot,
            items=self.items,
            near=self.near,
            filters=self.filters,
            plans=self.plans,
            properties=self.properties,
            live=longer(now.live, len(self.snapshot.catalogue)),
            catalogue_serial=self.serial,
        )


def longer(live: Live | None, size: int) -> Live | None:
    """Return the counts for ``size`` items: of the new ones nobody has done anything."""
    if live is None or len(live.trend) == size:
        return live
    more = size - len(live.trend)

    def wide[T: np.generic](counts: NDArray[T]) -> NDArray[T]:
        wider: NDArray[T] = np.pad(counts, [(0, 0)] * (counts.ndim - 1) + [(0, more)])
        wider.flags.writeable = False
        return wider

    fields: dict[str, Any] = {
        name: wide(getattr(live, name)) for name in ("impressions", "clicks", "trend")
    }
    return replace(live, **fields)
