"""The recipe without a store and without a crew: in any thread, from what the process has."""

import numpy as np

from features.types import Query
from features.user_reader import UserRecord
from service.answer import Answer
from service.observe.spans import Trace
from service.stages import (
    Means,
    block_of,
    candidates_of,
    context_of,
    last_known,
    scores_of,
    slate_of,
)
from service.state import Serving
from service.surfaces.plan import Plan


def answer_from_memory(
    query: Query, plan: Plan, user: UserRecord | None, now_s: float, serving: Serving
) -> Answer:
    """Answer as `service.pipeline.recommend` does; item rows are those the store gave last.

    ``user`` is what was stored at ``now_s``, None for a stranger.

    Raises:
        FilterRejected: the query's filter is none for this catalogue.
    """
    means = Means(Trace())
    context = context_of(query, plan, user, serving, now_s)
    candidates = candidates_of(query, plan, context, serving, means)
    rows = last_known(candidates.items, serving)
    present = np.ones(len(rows), np.bool_)
    block = block_of(plan, context, candidates, (rows, present), serving)
    scores = scores_of(plan, context, candidates, block, rows, serving, means)
    slate = slate_of(query, plan, context, block, scores, serving, means)
    return Answer(query, plan, user, context, candidates, block, scores, slate)
