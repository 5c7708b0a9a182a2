"""The recipe: one arrow, one type, one span around each stage.

    Query -> Context -> Candidates -> FeatureBlock -> Scores -> Slate

A stage may find no store, or no time: it has a share of what is left until the deadline
(`service.budget`). What then stands in its place is its fallback:

    | stage    | fallback                      | what the client still gets                  |
    |----------|-------------------------------|---------------------------------------------|
    | context  | a stranger, with the session  | popular items, or the session's likes       |
    | retrieve | without the sources too late  | what the others offer                       |
    | features | the rows last known           | the full ranking, on rows that may be old   |
    | score    | the light phase's order       | what was scored, then the others behind it  |
    | rerank   | the rules without diversity   | the best scores that the rules allow        |

Each use of one is told in the answer's `degraded` and counted. A scorer that raises is a bug,
not a fault: that request fails, alone. Nothing here is done for a client that has gone: its
task is cancelled, which takes effect wherever a stage waits (docs/decisions/0027).
"""

from features.types import Query
from service.answer import Answer
from service.desk import Desk
from service.observe.spans import Trace
from service.stages import (
    Means,
    block_of,
    candidates_of,
    context_of,
    read_missed,
    read_users,
    scores_of,
    slate_of,
)
from service.state import Serving
from service.surfaces.plan import Plan


async def recommend(query: Query, plan: Plan, serving: Serving, desk: Desk, trace: Trace) -> Answer:
    """Answer a query from one snapshot; both the values and the order of the stages are here."""
    store = desk.store
    with desk.caller.party(trace.shares) as party:
        means = Means(trace, party.share, desk.asides, desk.effort())
        with trace.span("context"):
            [user] = await read_users([query], [plan], serving, store, trace)
            trace.user = user
            context = context_of(query, plan, user, serving, trace.arrived_s)
        # Who is called now is awake when there is something to share.
        party.rouse(serving.work_ns(len(query.candidates)))
        with trace.span("retrieve"):
            candidates = candidates_of(query, plan, context, serving, means)
        with trace.span("features"):
            items = candidates.items
            gathered = serving.near.gather(items)
            [read] = await read_missed([gathered], [items], serving, store, trace)
            block = block_of(plan, context, candidates, read, serving)
        with trace.span("score"):
            scores = scores_of(plan, context, candidates, block, read[0], serving, means)
            trace.threads = party.took
        with trace.span("rerank"):
            slate = slate_of(query, plan, context, block, scores, serving, means)
    return Answer(query, plan, user, context, candidates, block, scores, slate)
