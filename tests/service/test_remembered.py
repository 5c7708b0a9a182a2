"""A replay's store: the user as recorded, the items as they are."""

import asyncio
from typing import Any

import numpy as np
import pytest

from features.errors import StoreUnavailable
from features.store import FeatureStore, UserRecord
from features.types import Rows
from service.explain.remembered import RememberedUser


class Now(FeatureStore):
    """Says of everybody what it was told, and of items nothing but ones."""

    def __init__(self, user: UserRecord) -> None:
        self._now = user

    async def read_users(self, user_ids: Any, *_: Any) -> list[UserRecord]:
        return [self._now] * len(user_ids)

    async def read_items(self, _table: Any, items: Any, _within_s: float) -> tuple[Rows, Any]:
        return np.ones((len(items), 2), np.float32), np.ones(len(items), np.bool_)


class Schema:
    """As much of a schema as is looked at."""

    def __init__(self, width: int) -> None:
        self.width = width


def row(*values: float) -> Any:
    return np.array(values, np.float32)


WAS = UserRecord(row(1, 2), True, ["a", "b"])
NOW = Now(UserRecord(row(7, 8), True, ["c"]))


def read(user: UserRecord | None, width: int, now: FeatureStore = NOW) -> UserRecord:
    schema: Any = Schema(width)
    [found] = asyncio.run(RememberedUser(now, user).read_users(["u"], schema, 1.0))
    return found


def test_the_user_is_the_one_that_was_recorded() -> None:
    assert read(WAS, 2) is WAS


def test_a_row_of_another_width_is_read_anew_and_the_history_stays() -> None:
    found = read(WAS, 3, Now(UserRecord(row(7, 8, 9), True, ["c"])))
    assert found.row.tolist() == [7, 8, 9]
    assert found.history == ["a", "b"]


def test_who_could_not_be_read_then_cannot_be_read_now() -> None:
    with pytest.raises(StoreUnavailable, match="as_recorded"):
        read(None, 2)


def test_items_are_read_as_they_are() -> None:
    rows, present = asyncio.run(
        RememberedUser(NOW, WAS).read_items(None, np.arange(3), 1.0)  # type: ignore[arg-type]  # no table is looked at
    )
    assert rows.shape == (3, 2)
    assert present.all()
