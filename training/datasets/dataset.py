"""A data set: interactions plus what is known of items and users."""

from dataclasses import dataclass
from typing import Any

from msgspec import to_builtins

from features.schema import Schema
from features.types import Rows
from ranking.catalogue import Catalogue
from training.interactions import Interactions


@dataclass(frozen=True, slots=True)
class Dataset:
    """Everything training needs, as columns.

    ``item_rows`` is float32[n_items, w] and ``user_rows`` float32[n_users, u], laid out by
    the schemas.
    """

    name: str
    catalogue: Catalogue
    user_ids: tuple[str, ...]
    interactions: Interactions
    item_schema: Schema
    item_rows: Rows
    user_schema: Schema
    user_rows: Rows

    @property
    def schemas(self) -> dict[str, Any]:
        """Return both schemas as JSON documents."""
        return {"item": to_builtins(self.item_schema), "user": to_builtins(self.user_schema)}
