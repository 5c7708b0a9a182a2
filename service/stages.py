"""The stages of the recipe, each a function from one value to the next.

What a stage shares over threads it hands to `share`: a party's, or `serial`, which is the
specification of every other.
"""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial

import numpy as np

from features.errors import StoreUnavailable
from features.near_cache import Gathered
from features.store import FeatureStore, UserRecord
from features.types import (
    Candidates,
    Context,
    FeatureBlock,
    Items,
    Mask,
    Query,
    Rows,
    Scores,
    Slate,
)
from ranking.assemble import assemble
from ranking.columns import SOURCE_NAMES
from ranking.masks import blocked
from ranking.rerank import depth_for, fill
from ranking.retrieval import Source, appraise, merge, vector
from ranking.snapshot import Snapshot
from service.crew import Work
from service.observe.spans import Trace
from service.state import Serving
from service.surfaces.plan import Plan

type Share = Callable[[Work, int, float], int]
"""(work, rows, nanoseconds per row) -> the number of threads that took part."""


def serial(work: Work, rows: int, cost_ns_per_row: float) -> int:  # noqa: ARG001  a `Share`
    """Have all of it done here."""
    work(0, rows)
    return 1


async def read_users(
    queries: Sequence[Query], serving: Serving, store: FeatureStore, trace: Trace
) -> list[UserRecord | None]:
    """Read the users of all queries in one round trip; None for who is a stranger.

    A user whom the store cannot give now is taken for a stranger, too.
    """
    ids = [query.user_id for query in queries if query.user_id is not None]
    if not ids:
        return [None] * len(queries)
    try:
        read = iter(await store.read_users(ids, serving.user_schema, trace.left_s()))
    except StoreUnavailable as fault:
        trace.degrade("context", fault.reason)
        return [None] * len(queries)
    return [next(read) if query.user_id is not None else None for query in queries]


def context_of(
    query: Query, plan: Plan, user: UserRecord | None, serving: Serving, now_s: float
) -> Context:
    """Bring together who asks, what they did, and what is not to be shown.

    Raises:
        FilterRejected: the query's filter is none for this catalogue.
    """
    ordinals = serving.snapshot.catalogue.ordinals
    stored = user.history if user else []
    return Context(
        user_row=user.row if user else serving.user_schema.default_row,
        known=user.known if user else False,
        history=ordinals([*query.session, *query.seed_items, *stored]),
        exclude=ordinals((*query.exclude, *query.shown)),
        hidden=_hidden(query, plan, serving),
        live=serving.live,
        now_s=now_s,
        seed=query.seed,
    )


def _hidden(query: Query, plan: Plan, serving: Serving) -> Mask | None:
    """Return what the surface's rule or the query's filter hides."""
    if query.filter is None:
        return plan.hidden
    hidden = serving.filters.hidden(query.filter)
    return hidden if plan.hidden is None else hidden | plan.hidden


def candidates_of(
    query: Query, plan: Plan, context: Context, serving: Serving, share: Share
) -> Candidates:
    """Ask every source and merge what they offer; or appraise the caller's own candidates."""
    snapshot = serving.snapshot
    if query.candidates:
        items = snapshot.catalogue.ordinals(query.candidates)
        if len(context.exclude):
            items = np.setdiff1d(items, context.exclude, assume_unique=True)
        if context.hidden is not None:
            items = items[~context.hidden[items]]
        return replace(appraise(context, snapshot, items), sources=SOURCE_NAMES)
    mask = blocked(context, snapshot)

    def spread(work: Work, blocks: int) -> None:
        share(work, blocks, serving.search_ns_per_block)

    # The others' work does not grow with the catalogue.
    sources: dict[str, Source] = {**plan.sources, "vector": partial(vector.retrieve, spread=spread)}
    offers = [
        sources[name](context, snapshot, mask, settings.quota)
        for name, settings in plan.surface.sources.items()
    ]
    return replace(merge(context, snapshot, offers), sources=tuple(plan.sources))


async def read_missed(
    gathered: Sequence[Gathered],
    wanted: Sequence[Items],
    serving: Serving,
    store: FeatureStore,
    trace: Trace,
) -> list[tuple[Rows, Mask]]:
    """Complete what the near cache had of several queries' items with one read of the rest."""
    near = serving.near
    missed = [items[found.missed] for items, found in zip(wanted, gathered, strict=True)]
    asked = missed[0] if len(missed) == 1 else np.unique(np.concatenate(missed))
    trace.note_near(sum(map(len, wanted)) - sum(map(len, missed)), sum(map(len, missed)))
    if not len(asked):
        return [(found.rows, found.present) for found in gathered]
    try:
        rows, present = await store.read_items(serving.items, asked, trace.left_s())
        tickets = [found.ticket for found in gathered if found.ticket is not None]
        if len(tickets) == len(gathered):
            # When the loop is free again: the answer does not wait for it.
            asyncio.get_running_loop().call_soon(near.fill, min(tickets), asked, rows, present)
    except StoreUnavailable as fault:
        trace.degrade("features", fault.reason)
        # What may be old does not count as present.
        rows, present = _last_known(asked, serving), np.zeros(len(asked), dtype=np.bool_)
    if len(missed) == 1:
        return [gathered[0].completed(rows, present)]
    places = [np.searchsorted(asked, items) for items in missed]
    return [
        found.completed(rows[place], present[place])
        for found, place in zip(gathered, places, strict=True)
    ]


def _last_known(items: Items, serving: Serving) -> Rows:
    """Return the rows that the store gave last; the artifact's where it gave none."""
    known = serving.near.recall(items)
    artifacts = serving.snapshot.item_rows[items[known.missed]]
    rows, _ = known.completed(artifacts, np.zeros(len(artifacts), dtype=np.bool_))
    return rows


def block_of(
    context: Context, candidates: Candidates, read: tuple[Rows, Mask], serving: Serving
) -> FeatureBlock:
    """Lay out the rows that the scorer ranks."""
    return assemble(context, candidates, *read, serving.snapshot)


def scores_of(block: FeatureBlock, serving: Serving, share: Share, trace: Trace) -> Scores:
    """Score every row."""
    scorer, rows = serving.snapshot.scorer, block.rows
    step = scorer.rows_per_block
    scores = np.empty(len(rows), dtype=np.float32)

    def score(low: int, high: int) -> None:
        shard = slice(low * step, high * step)
        scores[shard] = scorer(rows[shard])

    blocks = -(-len(rows) // step)
    trace.threads = share(score, blocks, step * serving.score_ns_per_row)
    return scores


def slate_of(
    query: Query, block: FeatureBlock, scores: Scores, snapshot: Snapshot, trace: Trace
) -> Slate:
    """Pick the slate; by score alone where the deadline has passed."""
    diversity = query.diversity
    if diversity and not trace.left_s():
        trace.degrade("rerank", "deadline")
        diversity = 0.0
    depth = depth_for(query.limit)
    picks = fill(block.items, scores, snapshot.directions, query.limit, diversity, depth)
    return Slate(picks=picks, scores=scores[picks])
