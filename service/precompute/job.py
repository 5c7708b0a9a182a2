"""What slates made ahead of time follow from: the same job always makes the same ones."""

from hashlib import blake2b
from typing import Any

import msgspec
import numpy as np

from features.live import Tally, live_of
from features.types import Live
from ranking.catalogue import Catalogue
from ranking.surfaces import Surfaces


class Counted(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What all users had done of late when the job began, see `features.live.Tally`."""

    item_ids: tuple[str, ...]
    impressions: list[list[float]]
    clicks: list[list[float]]
    trend: list[float]

    @classmethod
    def of(cls, tally: Tally) -> Counted:
        """Take the sums of one moment down."""
        rows = (tally.impressions.tolist(), tally.clicks.tolist(), tally.trend.tolist())
        return cls(tally.item_ids, *rows)

    def live(self, catalogue: Catalogue) -> Live:
        """Return the sums by the ordinals of a catalogue."""
        sums = [np.array(rows, np.float32) for rows in (self.impressions, self.clicks, self.trend)]
        tally = Tally(self.item_ids, *sums)
        return live_of(tally, *catalogue.located(tally.item_ids), len(catalogue))


class JobSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What has to be the same for a job to be gone on with.

    ``limit`` is None for each surface's or variant's own. ``surface_settings`` and ``user_list``
    are digests; ``catalogue_serial`` is up to where items were put and retired.
    """

    model_version: str
    catalogue_serial: int
    surface: str
    surface_settings: str
    limit: int | None
    seed: int
    history_cap: int
    users: int
    user_list: str
    users_per_shard: int

    @property
    def shards(self) -> int:
        """Return how many shards there are."""
        return -(-self.users // self.users_per_shard)

    def against(self, other: JobSettings) -> list[str]:
        """Return the names of those that differ."""
        names = self.__struct_fields__
        return [name for name in names if getattr(self, name) != getattr(other, name)]


class Job(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Settings and moment of a job; ``live`` is None where the slates know of no store.

    ``now_ms`` is the moment that all slates are of, however long they take: Unix time in
    milliseconds, which ages are counted from.
    """

    settings: JobSettings
    now_ms: int
    live: Counted | None = None

    def digest(self) -> str:
        """Return 128 bits in hex of all that the slates follow from."""
        return digest(msgspec.to_builtins(self))


def settings_digest(surfaces: Surfaces, name: str) -> str:
    """Return the digest of a surface with its variants."""
    variants = {arm: surface for (of, arm), surface in surfaces.variants.items() if of == name}
    return digest(msgspec.to_builtins([surfaces.by_name[name], variants]))


def digest(document: Any) -> str:
    """Return 128 bits in hex of what JSON can hold."""
    return blake2b(msgspec.json.encode(document, order="sorted"), digest_size=16).hexdigest()
