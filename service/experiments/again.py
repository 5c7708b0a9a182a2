"""A request answered once more, by another model or other settings, and from memory alone."""

from dataclasses import replace

import numpy as np

from features.types import Query
from features.user_reader import UserRecord
from ranking.retrieval.gather import in_turn
from service.answer import Answer
from service.experiments.findings import Ranked
from service.observe.spans import Trace
from service.stages import (
    block_of,
    candidates_of,
    context_of,
    last_known,
    scores_of,
    serial,
    slate_of,
)
from service.state import Serving
from service.surfaces.plan import Plan


def again(
    query: Query, plan: Plan, user: UserRecord | None, now_s: float, read_by: Serving, by: Serving
) -> Ranked:
    """Rank as the recipe does, without a store: in any thread.

    ``user`` is what was stored at ``now_s`` as ``read_by`` reads it; where ``by`` reads users by
    another schema only the history is taken over. Item rows are those the store gave last.

    Raises:
        FilterRejected: the query's filter is none for this catalogue.
    """
    if user is not None and by.user_schema != read_by.user_schema:
        user = replace(user, row=by.user_schema.default_row, known=False)
    trace = Trace()
    context = context_of(query, plan, user, by, now_s)
    candidates = candidates_of(query, plan, context, by, serial, in_turn)
    rows, present = last_known(candidates.items, by), np.ones(len(candidates.items), np.bool_)
    block = block_of(plan, context, candidates, (rows, present), by)
    scores = scores_of(plan, context, block, rows, by, serial, trace)
    slate = slate_of(query, plan, context, block, scores, by, trace)
    return ranked(Answer(query, plan, user, context, candidates, block, scores, slate), by)


def ranked(answer: Answer, serving: Serving) -> Ranked:
    """Return what an answer is compared by."""
    ids = serving.snapshot.catalogue.ids
    items = answer.block.items[answer.slate.picks]
    return Ranked(tuple([ids[item] for item in items.tolist()]), answer.slate.scores)
