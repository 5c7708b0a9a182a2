"""What may be said of a slate, as keyword arguments: the fields of docs' requests, all optional."""

from collections.abc import Mapping, Sequence
from typing import TypedDict


class Wishes(TypedDict, total=False):
    """What every kind of request may say."""

    surface: str
    exclude: Sequence[str]
    filter: str
    limit: int
    diversity: float
    pin: Mapping[str, str]
    boost: Mapping[str, float]
    seed: int
    deadline_ms: float
    debug: bool
    why_not: Sequence[str]


class SlateWishes(Wishes, total=False):
    """One of `user_id`, `session`, `seed_items` is needed."""

    user_id: str
    session: Sequence[str]
    seed_items: Sequence[str]
    after: str


class RankWishes(Wishes, total=False):
    """Whom the candidates are ranked for."""

    user_id: str
    session: Sequence[str]


class SimilarWishes(Wishes, total=False):
    """Which page."""

    after: str
