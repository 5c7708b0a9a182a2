"""Rows and comparisons: the same measures and the same resamples for every recommender."""

from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

import numpy as np

from training.bootstrap import Estimate, estimate, estimates, ratio
from training.judge import Judge, PerUser, Slates
from training.report import Comparison, Kind, Row
from training.segments import segments
from training.steps import DIVERSIFIED, RANKED

NDCG: Final = "ndcg@10"


class Recommender(NamedTuple):
    """A name, what it is, and a slate for each user that the judge knows."""

    name: str
    kind: Kind
    slates: Slates


def measure(
    recommenders: Sequence[Recommender], judge: Judge, seed: int
) -> tuple[tuple[Row, ...], tuple[Comparison, ...]]:
    """Return a row for each recommender that recommends anything, and how ours compare.

    A source that has nothing to go by in this data offers nothing, and has no row.
    """
    able = [one for one in recommenders if any(map(len, one.slates))]
    values = {one.name: judge.per_user(one.slates) for one in able}
    rows = tuple(_row(one, values[one.name], judge, seed) for one in able)
    return rows, tuple(_comparisons(rows, values, seed))


def _row(one: Recommender, values: PerUser, judge: Judge, seed: int) -> Row:
    found = estimates(np.stack([*values.values()], axis=1), seed)
    return Row(
        name=one.name,
        kind=one.kind,
        measures=dict(zip(values, found, strict=True)),
        over_all=judge.over_all(one.slates),
        segments={
            name: estimate(values[NDCG][members], seed)
            for name, members in segments(judge.histories).items()
        },
    )


def _comparisons(
    rows: Sequence[Row], values: Mapping[str, PerUser], seed: int
) -> Sequence[Comparison]:
    """Compare the ranker with the best peer of each kind, and MMR with the ranker alone."""
    of = {row.name: row for row in rows}
    pairs = []
    for kind in ("peer", "helped peer"):
        peers = [row for row in rows if row.kind == kind]
        if peers:
            best = max(peers, key=lambda row: row.measures[NDCG].mean)
            pairs.append((NDCG, RANKED, best.name))
    pairs += [(name, DIVERSIFIED, RANKED) for name in (NDCG, "ild")]
    return [
        Comparison(
            measure=name,
            ours=ours,
            theirs=theirs,
            lift=ratio(values[ours][name], values[theirs][name], seed),
            disjoint=_disjoint(of[ours].measures[name], of[theirs].measures[name]),
        )
        for name, ours, theirs in pairs
    ]


def _disjoint(one: Estimate, other: Estimate) -> bool:
    return one.low > other.high or other.low > one.high
