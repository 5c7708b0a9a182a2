"""What slates are made from: a model with its items' rows, and users, from a store or without."""

import asyncio
import math
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

from features.address import Address
from features.client import connect
from features.events import BUCKET_MS
from features.tracking import Tracking
from features.trust import Trust
from features.types import Items
from ranking.artifact import StoredRows, read_both, read_store
from ranking.surfaces import Surfaces, SurfacesRejected
from service.artifacts import find
from service.catalogue.log import ChangeLog
from service.errors import SettingInvalid
from service.feature_store import Stores
from service.live.feed import Feed
from service.models.pointer import Pointer
from service.models.preparation import Preparation
from service.precompute.job import Counted
from service.precompute.patience import patiently
from service.precompute.run import Advance, Users
from service.precompute.store_users import BUDGET_S, StoreUsers
from service.settings import Settings
from service.state import Serving
from service.stored_users import StoredUsers
from service.surfaces.file import SurfaceFile

ROWS_PER_READ: Final = 4096
ALL_ROWS_MIB: Final = 1024 * 1024
"""More than any catalogue takes: every row is kept, and memory taken for those there are."""


@dataclass(frozen=True, slots=True)
class Ground:
    """All that slates follow from but the job: ``live`` is None where there is no store."""

    serving: Serving
    surfaces: Surfaces
    users: Users
    user_ids: Sequence[str]
    live: Counted | None = None


@contextmanager
def standing(
    artifact: Path,
    redis: str | None,
    surfaces: Path | None,
    history_cap: int,
    advance: Advance,
    feast: Path | None = None,
) -> Iterator[Ground]:
    """Read the model and, once, the row of every item: from Redis, or the artifact without it.

    Raises:
        ArtifactRejected, SettingInvalid: a file that is named is not what it should be.
        StoreUnavailable, redis.RedisError: the store stayed away.
    """
    file = SurfaceFile(surfaces)
    with ExitStack() as stack:
        if redis is None:
            snapshot, stored = read_both(artifact)
            serving = Serving.of(snapshot, near_cache_mib=0, trust=Trust())
            users: Users = StoredUsers(stored, history_cap)
            live = None
        else:
            stores = Stores(redis, feast)
            serving, stored = _served(artifact, redis, file)
            if stores.feast is not None:
                stores.feast.check(serving.items.schema, serving.user_schema)
            asyncio.run(_read_rows(serving, stores, advance))
            shown = _asks_what_was_shown(file.read())
            schema = serving.user_schema
            users = stack.enter_context(StoreUsers(stores, schema, history_cap, shown=shown))
            with closing(connect(redis)) as client:
                counts = Feed(client).load(time.time_ns() // 1_000_000 // BUCKET_MS)
            live = Counted.of(counts.tally())
        try:
            serving.plans.check(file.read())
        except SurfacesRejected as fault:
            raise SettingInvalid(f"--surfaces={surfaces}: {fault}") from None
        yield Ground(serving, file.read(), users, stored.user_ids, live)


def _served(artifact: Path, redis: str, surfaces: SurfaceFile) -> tuple[Serving, StoredRows]:
    """Return what a service that starts now would serve: the store's word on models and items."""
    settings = Settings(artifact=artifact, redis=redis, near_cache_mib=ALL_ROWS_MIB)
    tracking, changes = Tracking(Address.parse(redis)), ChangeLog.at(redis)
    serving = Preparation(settings, tracking, changes, surfaces).first(Pointer(redis))
    return serving, read_store(find(artifact.parent, serving.snapshot.version) or artifact)


async def _read_rows(serving: Serving, stores: Stores, advance: Advance) -> None:
    """Read every item's row; where the store has none at all, the artifact's stay."""
    store, items = stores.open(BUDGET_S, 1), serving.items
    await store.open()
    blank: list[Items] = []
    try:
        for start in range(0, len(items), ROWS_PER_READ):
            advance(start, len(items))
            some = np.arange(start, min(start + ROWS_PER_READ, len(items)))
            rows, present = await patiently(lambda: store.read_items(items, some, math.inf))  # noqa: B023  awaited at once
            if present.any():
                serving.near.fill(0, some, rows, present)
            else:
                blank.append(some)
    finally:
        await store.close()
    if serving.near.used:
        for some in blank:
            rows = np.tile(items.schema.default_row, (len(some), 1))
            serving.near.fill(0, some, rows, np.zeros(len(some), np.bool_))
    advance(len(items), len(items))


def _asks_what_was_shown(surfaces: Surfaces) -> bool:
    every = (*surfaces.by_name.values(), *surfaces.variants.values())
    return any(surface.filters.served for surface in every)
