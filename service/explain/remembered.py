"""A store that says of one user what it said before."""

from collections.abc import Sequence
from dataclasses import replace

from features.errors import StoreUnavailable
from features.item_table import ItemTable
from features.schema import Schema
from features.store import FeatureStore, UserRecord
from features.types import Items, Mask, Rows


class RememberedUser(FeatureStore):
    """Reads items from a store, and of the one user what was read when the request was recorded.

    ``user`` is None where the store did not answer then: it does not now. A row that does not fit
    the schema, which is another model's, is read anew.
    """

    def __init__(self, store: FeatureStore, user: UserRecord | None) -> None:
        self._store = store
        self._user = user

    async def read_users(
        self, user_ids: Sequence[str], schema: Schema, within_s: float, shown_cap: int = 0
    ) -> list[UserRecord]:
        """Return what is remembered."""
        user = self._user
        if user is None:
            raise StoreUnavailable("as_recorded")
        if len(user.row) != schema.width:
            [now] = await self._store.read_users(user_ids, schema, within_s, shown_cap)
            user = replace(user, row=now.row, known=now.known)
        return [user]

    async def read_items(
        self, table: ItemTable, items: Items, within_s: float
    ) -> tuple[Rows, Mask]:
        """Read item rows, as they are now."""
        return await self._store.read_items(table, items, within_s)
