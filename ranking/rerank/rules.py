"""What a surface says of its slates: the rules that re-ranking keeps (docs/rerank.md)."""

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

LARGEST_FACTOR = 1000.0

type Share = Annotated[float, Meta(ge=0, le=1)]
type Factor = Annotated[float, Meta(ge=1 / LARGEST_FACTOR, le=LARGEST_FACTOR)]
type Column = Annotated[str, Meta(min_length=1)]
type Place = Annotated[str, Meta(pattern="^(0|[1-9][0-9]{0,2})$")]
"""A place as TOML writes a key: "0" is the top of the first page."""


class Cap(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """At most ``most`` items with ``label`` in the slate; without a label, of each one."""

    attribute: Column
    most: Annotated[int, Meta(ge=1, le=200)]
    label: str | None = None


class Window(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """At most ``most`` items with ``label`` (or each) in any ``within`` consecutive places."""

    attribute: Column
    within: Annotated[int, Meta(ge=2, le=50)]
    most: Annotated[int, Meta(ge=1, le=50)] = 1
    label: str | None = None


class Calibration(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Labels in the proportions of the user's history.

    ``strength`` is the lambda of Steck, RecSys 2018, equation 5: 0 is relevance alone, 1 the
    proportions alone.
    """

    attribute: Column
    strength: Share = 0.5


class Promotion(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which share of the places goes to ``items``, a filter, at least and at most."""

    items: Annotated[str, Meta(min_length=1, max_length=2000)]
    at_least: Share = 0.0
    at_most: Share = 1.0

    def __post_init__(self) -> None:
        if self.at_least > self.at_most:
            raise ValueError("`at_least` is more than `at_most`")


class Exploration(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Each place from ``first_place`` on explores with the probability ``share``.

    What it shows is by "thompson" the item with the best draw from its click-through rate's Beta
    distribution, or by "epsilon" any item, each as likely. An item that was never shown has the
    rate ``prior_clicks`` / ``prior_impressions``, as if it had been seen as often. Only ``items``,
    a filter, take part.
    """

    share: Share
    method: Literal["thompson", "epsilon"] = "thompson"
    first_place: Annotated[int, Meta(ge=0, le=999)] = 0
    items: Annotated[str, Meta(min_length=1, max_length=2000)] | None = None
    prior_clicks: Annotated[float, Meta(gt=0, le=1e6)] = 1.0
    prior_impressions: Annotated[float, Meta(gt=0, le=1e6)] = 20.0

    def __post_init__(self) -> None:
        if self.prior_clicks >= self.prior_impressions:
            raise ValueError("`prior_clicks` must be fewer than `prior_impressions`")


class Rules(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The rules of one surface's slates.

    ``pins`` are item ids by place. ``boosts`` are factors by ``column:label`` or by a filter.
    ``function`` is ``module:function`` of a re-ranker of the user's own, in place of ``method``.
    """

    diversity: Share = 0.3
    method: Literal["mmr", "dpp"] = "mmr"
    caps: tuple[Cap, ...] = ()
    windows: tuple[Window, ...] = ()
    calibration: Calibration | None = None
    pins: dict[Place, Annotated[str, Meta(min_length=1, max_length=128)]] = {}
    boosts: dict[str, Factor] = {}
    promotions: tuple[Promotion, ...] = ()
    explore: Exploration | None = None
    function: str | None = None

    def __post_init__(self) -> None:
        if len(set(self.pins.values())) < len(self.pins):
            raise ValueError("`pins` has one item at two places")
