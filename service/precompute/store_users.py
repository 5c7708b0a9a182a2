"""Users as the feature store has them, read by as many threads as ask."""

import asyncio
import math
import threading
from collections.abc import Sequence
from types import TracebackType
from typing import Final, Self

from features.schema import Schema
from features.store import SHOWN_CAP, FeatureStore
from features.user_reader import UserRecord
from service.feature_store import Stores
from service.precompute.patience import patiently

BUDGET_S: Final = 10.0


class StoreUsers:
    """A connection per thread, made when it first asks; all are closed at the end."""

    def __init__(self, stores: Stores, schema: Schema, history_cap: int, *, shown: bool) -> None:
        self._stores = stores
        self._schema = schema
        self._history_cap = history_cap
        self._shown_cap = SHOWN_CAP if shown else 0
        self._own = threading.local()
        self._opened: list[tuple[asyncio.Runner, FeatureStore]] = []

    def __call__(self, user_ids: Sequence[str]) -> list[UserRecord | None]:
        """Return what is known of each user, in one round trip.

        Raises:
            StoreUnavailable: the store stayed away.
        """
        runner, store = self._line()
        return list(runner.run(patiently(lambda: self._read(store, user_ids))))

    async def _read(self, store: FeatureStore, user_ids: Sequence[str]) -> list[UserRecord]:
        return await store.read_users(user_ids, self._schema, math.inf, self._shown_cap)

    def _line(self) -> tuple[asyncio.Runner, FeatureStore]:
        found: tuple[asyncio.Runner, FeatureStore] | None = getattr(self._own, "line", None)
        if found is None:
            store = self._stores.open(BUDGET_S, self._history_cap)
            found = self._own.line = asyncio.Runner(), store
            found[0].run(store.open())
            self._opened.append(found)
        return found

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        fault: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for runner, store in self._opened:
            runner.run(store.close())
            runner.close()
