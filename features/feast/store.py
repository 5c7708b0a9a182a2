"""The feature store whose rows, of items or users or both, are Feast's."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from features.address import Address
from features.feast.rows import Layout, RowReads
from features.feast.view import Feast, View
from features.item_table import ItemTable
from features.schema import Schema
from features.store import FeatureStore, UserRecord
from features.types import Items, Mask, Rows


class FeastStore(FeatureStore):
    """Reads rows from Feast's Redis, and all else, histories and events, from Braid's own."""

    def __init__(self, address: Address, feast: Feast, budget_s: float, history_cap: int) -> None:
        super().__init__(address, budget_s, history_cap)
        self._feast = feast
        self._other = FeatureStore(Address.parse(feast.redis), budget_s, history_cap)
        self._other.counts = self.counts
        self._layouts: dict[tuple[str, int], Layout] = {}

    async def open(self) -> None:
        """Start keeping connections to both; return once the first attempts have ended."""
        await asyncio.gather(super().open(), self._other.open())

    async def close(self) -> None:
        """Drop the connections to both."""
        await asyncio.gather(super().close(), self._other.close())

    async def read_users(
        self, user_ids: Sequence[str], schema: Schema, within_s: float, shown_cap: int = 0
    ) -> list[UserRecord]:
        """Read histories here and rows there, side by side; raises what `FeatureStore` does."""
        own = super().read_users(user_ids, schema, within_s, shown_cap)
        if self._feast.user is None:
            return await own
        users, (rows, present) = await asyncio.gather(
            own, self._read(self._feast.user, schema, user_ids, within_s)
        )
        return [
            replace(user, row=row, known=known)
            for user, row, known in zip(users, rows, present.tolist(), strict=True)
        ]

    async def read_items(
        self, table: ItemTable, items: Items, within_s: float
    ) -> tuple[Rows, Mask]:
        """Read item rows; returns and raises what `FeatureStore.read_items` does."""
        if self._feast.item is None:
            return await super().read_items(table, items, within_s)
        if not len(items):
            return np.empty((0, table.schema.width), np.float32), np.empty(0, np.bool_)
        return await self._read(self._feast.item, table.schema, table.ids(items), within_s)

    async def _read(
        self, view: View, schema: Schema, entities: Sequence[str], within_s: float
    ) -> tuple[Rows, Mask]:
        kept = schema.name, schema.version
        layout = self._layouts.get(kept)
        if layout is None or layout.schema != schema:
            layout = self._layouts[kept] = Layout(schema, view.fields(schema))
        key = self._feast.keys(view).key
        reads = RowReads(layout, [key(entity) for entity in entities])
        for failed in await self._other._ask(reads, within_s):
            raise failed.fault
        rows, present = reads.rows()
        self.counts.note(reads.odd)
        return rows, present
