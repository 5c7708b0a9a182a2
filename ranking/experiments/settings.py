"""What a surface says of its experiment."""

from typing import Annotated, Any

import msgspec
from msgspec import Meta


class Variant(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One arm: its share of the users, and the surface's settings that it has otherwise."""

    share: Annotated[float, Meta(ge=0, le=1)]
    settings: dict[str, Any] = {}


class Experiment(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An experiment on one surface; who is in which arm follows from user and ``salt`` alone."""

    salt: str
    variants: dict[str, Variant]
