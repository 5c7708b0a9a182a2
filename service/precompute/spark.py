"""Slates made on Spark: what every partition of a DataFrame of users does, by the same artifact."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import cache
from itertools import batched
from pathlib import Path
from typing import TYPE_CHECKING, Final

from features.trust import Trust
from ranking.artifact import read_both
from service.precompute.job import Job, JobSettings, settings_digest
from service.precompute.recipe import Recipe
from service.precompute.run import Users
from service.precompute.table import table_of
from service.state import Serving
from service.stored_users import StoredUsers
from service.surfaces.file import load

if TYPE_CHECKING:
    import pandas as pd  # type: ignore[import-not-found,import-untyped,unused-ignore]  # Spark's

SLATES: Final = (
    "user_id string, item_ids array<string>, scores array<double>, sources array<string>, "
    "reasons array<string>, variant string, model_version string, seed bigint, request_id string"
)
"""The schema of what comes out, as Spark writes one down."""

USERS_PER_FRAME: Final = 500


def recommend_partitions(
    artifact: Path,
    now_ms: int,
    surface: str = "home",
    surfaces: Path | None = None,
    limit: int | None = None,
    seed: int = 0,
    history_cap: int = 1000,
) -> Callable[[Iterable[pd.DataFrame]], Iterator[pd.DataFrame]]:
    """Return what `DataFrame.mapInPandas` takes, with the schema `SLATES`.

    It asks for a column ``user_id``. ``artifact`` and ``surfaces`` are where every worker finds
    them. The slates are those that `braid batch` without Redis makes of a job of that moment.
    """

    def make(frames: Iterable[pd.DataFrame]) -> Iterator[pd.DataFrame]:
        users, recipe = _ready(artifact, now_ms, surface, surfaces, limit, seed, history_cap)
        for frame in frames:
            for user_ids in batched(frame["user_id"].astype(str), USERS_PER_FRAME, strict=False):
                yield table_of(recipe(user_ids, users(user_ids))).to_pandas()

    return make


@cache
def _ready(
    artifact: Path,
    now_ms: int,
    surface: str,
    surfaces: Path | None,
    limit: int | None,
    seed: int,
    history_cap: int,
) -> tuple[Users, Recipe]:
    """Read the model once in each of Spark's Python processes, however many partitions it gets."""
    snapshot, stored = read_both(artifact)
    serving = Serving.of(snapshot, near_cache_mib=0, trust=Trust())
    known = load(surfaces)
    serving.plans.check(known)
    settings = JobSettings(
        model_version=snapshot.version,
        catalogue_serial=0,
        surface=surface,
        surface_settings=settings_digest(known, surface),
        limit=limit,
        seed=seed,
        history_cap=history_cap,
        users=0,  # a partition knows of its own users alone
        user_list="",
        users_per_shard=0,
    )
    return StoredUsers(stored, history_cap), Recipe.of(Job(settings, now_ms), serving, known)
