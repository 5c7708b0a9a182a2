"""The recipe for many queries at once: one round trip for all users, one for all items.

Between the two, whole queries are what the threads share: each is done by one of them, stage by
stage, with nothing handed over in between. The loop looks after its other requests after every
few queries.
"""

import asyncio
from collections.abc import Callable, Sequence

from features.near_cache import Gathered
from features.types import Candidates, Context, Query
from service.answer import Answer
from service.crew import Party
from service.desk import Desk
from service.observe.spans import Trace
from service.stages import (
    block_of,
    candidates_of,
    context_of,
    read_missed,
    read_users,
    scores_of,
    serial,
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
        candidates = candidates_of(query, plan, context, serving, serial, asides)
        return context, candidates, serving.near.gather(candidates.items)

    def rank(index: int) -> T:
        query, plan = queries[index], plans[index]
        context, candidates, _ = found[index]
        own = trace.fork(told)
        block = block_of(plan, context, candidates, rows[index], serving)
        scores = scores_of(plan, context, block, rows[index][0], serving, serial, own)
        slate = slate_of(query, plan, context, block, scores, serving, own)
        trace.degraded.extend(own.degraded[len(told) :])
        answer = Answer(query, plan, users[index], context, candidates, block, scores, slate)
        return name(index, answer, own)

    store, asides = desk.store, desk.asides.beginning(trace)
    with desk.caller.party() as party:
        with trace.span("context"):
            users = await read_users(queries, plans, serving, store, trace)
        with trace.span("retrieve"):
            found = await _all(find, len(queries), party)
        with trace.span("features"):
            wanted = [candidates.items for _, candidates, _ in found]
            gathered = [gathered for _, _, gathered in found]
            rows = await read_missed(gathered, wanted, serving, store, trace)
        told = tuple(trace.degraded)  # what concerns all of them
        with trace.span("rank"):
            return await _all(rank, len(queries), party)


async def _all[T](do: Callable[[int], T], count: int, party: Party) -> list[T]:
    """Do ``[0, count)`` over the party's threads, in turns with the loop's other requests."""
    results: list[T] = []
    step = TURN * party.threads
    for start in range(0, count, step):
        turn: list[T | None] = [None] * min(step, count - start)

        def work(low: int, high: int, start: int = start, turn: list[T | None] = turn) -> None:
            for index in range(low, high):
                turn[index] = do(start + index)

        party.share(work, len(turn), QUERY_NS)
        results += turn  # type: ignore[arg-type]  # every one is done by now
        await asyncio.sleep(0)
    return results
