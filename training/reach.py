"""How much of what users took next the ranker gets to see: retrieval's recall at its depth."""

from collections.abc import Sequence

import msgspec
import numpy as np

from features.types import Candidates, Items
from training.metrics import ndcg


class Reach(msgspec.Struct, frozen=True, rename={"best_ndcg_10": "best_ndcg@10"}):
    """What one source, or all together, put before the ranker; means over users.

    ``offered`` items a request; ``recall`` of what was taken next; ``alone`` is the part of it
    that no other source offers; ``best_ndcg_10`` is what an all-knowing ranker would make of them.
    """

    name: str
    offered: float
    recall: float
    alone: float
    best_ndcg_10: float


def reach(candidates: Sequence[Candidates], relevant: Sequence[Items]) -> tuple[Reach, ...]:
    """Return the reach of each source that the candidates name, in their order, then of all."""
    sources = candidates[0].sources
    offered = [~np.isnan(found.scores) for found in candidates]
    takes = [np.isin(found.items, taken) for found, taken in zip(candidates, relevant, strict=True)]
    rows = []
    for column, name in enumerate((*sources, "all sources")):
        everybody = column == len(sources)
        values = np.empty((len(relevant), 4))
        for user, (who, take) in enumerate(zip(offered, takes, strict=True)):
            own = who.any(axis=1) if everybody else who[:, column]
            alone = own if everybody else own & (who.sum(axis=1) == 1)
            hits, taken = candidates[user].items[own & take], relevant[user]
            shares = len(hits) / len(taken), (alone & take).sum() / len(taken)
            values[user] = own.sum(), *shares, ndcg(hits, taken, 10)
        rows.append(Reach(name, *values.mean(axis=0).tolist()))
    return tuple(rows)
