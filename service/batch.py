"""The recipe for many queries at once: one round trip for all users, one for all items.

Between the two, whole queries are what the threads share: each is done by one of them, stage by
stage, with nothing handed over in between. The loop looks after its other requests after every
few queries.
"""

from collections.abc import Callable, Sequence

from features.near_cache import Gathered
from features.types import Candidates, Context, Query
from service.answer import Answer
from service.crew import Party
from service.desk import Desk
from service.door import Door
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

# Queries that each thread does before the loop may turn to others: a few milliseconds.
TURN = 4
# About what a query costs. All that matters is that it is worth a hand-over.
QUERY_NS = 1e6


async def recommend_batch[T](
    queries: Sequence[Query],
    plans: Sequence[Plan],
    serving: Serving,
    desk: Desk,
    trace: Trace,
    name: Callable[[int, Answer, Trace], T],
) -> list[T]:
    """Answer every query by its plan as `service.pipeline.recommend` would.

    ``name`` makes of each answer what is to be sent, in the thread that found it: given the
    query's index, its answer, and a trace of its own that tells what fell back.
    """

    def find(index: int) -> tuple[Context, Candidates, Gathered]:
        query, plan = queries[index], plans[index]
        context = context_of(query, plan, users[index], serving, trace.arrived_s)
        candidates = candidates_of(query, plan, context, serving, whole)
        return context, candidates, serving.near.gather(candidates.items)

    def rank(index: int) -> tuple[T, Trace]:
        query, plan = queries[index], plans[index]
        context, candidates, _ = found[index]
        own = trace.fork(told)
        means = Means(own, asides=desk.asides, effort=whole.effort)
        block = block_of(plan, context, candidates, rows[index], serving)
        scores = scores_of(plan, context, candidates, block, rows[index][0], serving, means)
        slate = slate_of(query, plan, context, block, scores, serving, means)
        answer = Answer(query, plan, users[index], context, candidates, block, scores, slate)
        return name(index, answer, own), own

    store, whole = desk.store, Means(trace, asides=desk.asides, effort=desk.effort())
    with desk.caller.party(trace.shares) as party:
        with trace.span("context"):
            users = await read_users(queries, plans, serving, store, trace)
        with trace.span("retrieve"):
            found = await _all(find, len(queries), party, desk.door)
        with trace.span("features"):
            wanted = [candidates.items for _, candidates, _ in found]
            gathered = [gathered for _, _, gathered in found]
            rows = await read_missed(gathered, wanted, serving, store, trace)
        told = tuple(trace.degraded)  # what concerns all of them
        with trace.span("rank"):
            ranked = await _all(rank, len(queries), party, desk.door)
    for _, own in ranked:  # each is found once, though perhaps by two threads
        trace.degraded.extend(own.degraded[len(told) :])
        trace.unranked += own.unranked
    return [named for named, _ in ranked]


async def _all[T](do: Callable[[int], T], count: int, party: Party, door: Door) -> list[T]:
    """Do ``[0, count)`` over the party's threads, behind the loop's other requests."""
    results: list[T] = []
    step = TURN * party.threads
    for start in range(0, count, step):

        def work(low: int, high: int, start: int = start) -> list[T]:
            return [do(start + index) for index in range(low, high)]

        for part in party.share(work, min(step, count - start), QUERY_NS):
            results += part
        await door.give_way()
    return results
