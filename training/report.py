"""The evaluation's report: `msgspec.json.encode` makes what ``braid evaluate --json`` prints."""

from typing import Literal

import msgspec

from training.bootstrap import Estimate
from training.reach import Reach

type Kind = Literal["source", "stage", "peer", "helped peer"]
"""A source or a stage of ours, a peer as its authors made it, one given our recency weights."""


class Row(msgspec.Struct, frozen=True):
    """One recommender's measures.

    ``measures`` are means over users with intervals; ``over_all`` is of all slates together;
    ``segments`` is NDCG@10 by how much is known of the user.
    """

    name: str
    kind: Kind
    measures: dict[str, Estimate]
    over_all: dict[str, float]
    segments: dict[str, Estimate]


class Comparison(msgspec.Struct, frozen=True):
    """How many times the other's measure ours is, and whether their intervals are disjoint."""

    measure: str
    ours: str
    theirs: str
    lift: Estimate
    disjoint: bool


class Tuned(msgspec.Struct, frozen=True, rename={"validation_ndcg_10": "validation_ndcg@10"}):
    """What a peer's parameter search found, on the validation cut of the training part."""

    name: str
    trials: int
    parameters: dict[str, float | str]
    validation_ndcg_10: float


class Report(msgspec.Struct, frozen=True):
    """The evaluation of one data set, and how it was done."""

    protocol: str
    data: str
    users: int
    segments: dict[str, int]
    rows: tuple[Row, ...]
    reach: tuple[Reach, ...]
    comparisons: tuple[Comparison, ...] = ()
    tuned: tuple[Tuned, ...] = ()
