"""Popularity by segment: what people of the asker's kind take; a newcomer's best source."""

import numpy as np

from features.types import Context, Mask
from ranking.retrieval import popularity
from ranking.retrieval.found import Found
from ranking.snapshot import Snapshot
from ranking.topk import top_k


def retrieve(context: Context, snapshot: Snapshot, blocked: Mask, k: int) -> Found:
    """Return the k items most popular in the asker's segments that are not blocked.

    Scores are logarithms of popularity. Of a stranger no segment is known, and an older model has
    none: they get what is popular with everybody.
    """
    segments = snapshot.segments
    if segments is None or not context.known:
        return popularity.retrieve(context, snapshot, blocked, k)
    scores = segments.scores_for(context.user_row)
    scores[blocked[segments.items]] = -np.inf
    picks = top_k(scores, max(k, 0))
    picks = picks[scores[picks] > -np.inf]
    return Found(segments.items[picks], scores[picks])
