"""A request answered once more, by another model or other settings, and from memory alone."""

from dataclasses import replace

from features.types import Query
from features.user_reader import UserRecord
from service.answer import Answer
from service.experiments.findings import Ranked
from service.from_memory import answer_from_memory
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
    return ranked(answer_from_memory(query, plan, user, now_s, by), by)


def ranked(answer: Answer, serving: Serving) -> Ranked:
    """Return what an answer is compared by."""
    ids = serving.snapshot.catalogue.ids
    items = answer.block.items[answer.slate.picks]
    return Ranked(tuple([ids[item] for item in items.tolist()]), answer.slate.scores)
