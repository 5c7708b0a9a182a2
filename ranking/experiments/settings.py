"""What a surface says of its experiment."""

from typing import Annotated, Any, Final, Literal

import msgspec
from msgspec import Meta

CONTROL: Final = "control"
"""The arm of whoever is in no variant: the surface itself."""

HOLDOUT: Final = "holdout"
"""The arm of those whom no experiment reaches."""

ROUNDING: Final = 1e-9
"""Three shares of a third add up to one, and not exactly."""


class Variant(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One arm: its share of the users, and the surface's settings that it has otherwise.

    Of a shadow experiment ``share`` is of the requests, and ``model`` a version to rank by.
    """

    share: Annotated[float, Meta(ge=0, le=1)]
    settings: dict[str, Any] = {}
    model: Annotated[str, Meta(min_length=1, max_length=128)] | None = None


class Experiment(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An experiment on one surface; who is in which arm follows from user and ``salt`` alone.

    ``salt`` names the experiment: surfaces with one salt share its arms, a new salt deals everybody
    anew. Variants take their shares of the users in the order in which they stand; the rest is
    "control". ``holdout`` is the share, of all users, that no experiment reaches: the same users
    whatever the salt.

    | kind           | who is in a variant                                                     |
    |----------------|-------------------------------------------------------------------------|
    | `ab`           | gets the variant's slate                                                |
    | `interleaving` | gets one slate drafted from the surface's and the variant's             |
    | `shadow`       | gets the surface's slate; the variant makes one after it, for comparison |
    """

    salt: Annotated[str, Meta(pattern="^[!-~]{1,64}$")]
    variants: Annotated[dict[str, Variant], Meta(min_length=1)]
    kind: Literal["ab", "interleaving", "shadow"] = "ab"
    holdout: Annotated[float, Meta(ge=0, lt=1)] = 0.0

    def __post_init__(self) -> None:
        """Refuse what cannot be meant, with a ValueError."""
        shares = sum(variant.share for variant in self.variants.values())
        if shares > 1 + ROUNDING:
            raise ValueError(f"the variants' shares add up to {shares:g}, more than 1")
        for name in (CONTROL, HOLDOUT):
            if name in self.variants:
                raise ValueError(f"{name!r} is an arm already; name the variant otherwise")
        if self.kind != "ab" and len(self.variants) > 1:
            raise ValueError(f"an experiment of the kind {self.kind!r} has one variant")
        if self.kind != "shadow" and any(one.model for one in self.variants.values()):
            raise ValueError("a variant may name a model where kind = 'shadow' only")
