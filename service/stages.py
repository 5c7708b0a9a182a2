"""The stages of the recipe, each a function from one value to the next.

What a stage shares over threads it hands to `share`: a party's, or `serial`, which is the
specification of every other.
"""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from features.errors import StoreUnavailable
from features.near_cache import Gathered
from features.schema import Schema
from features.store import SHOWN_CAP, FeatureStore, UserRecord
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
from ranking.catalogue import Catalogue
from ranking.freshness import ages_of
from ranking.light import lighten
from ranking.masks import blocked
from ranking.rerank import arrange, depth_for, pins_of, showings
from ranking.retrieval import Found, appraise, merge
from ranking.retrieval.gather import Begin, gather
from ranking.view import veil
from service.crew import Work
from service.observe.spans import Trace
from service.state import Serving
from service.surfaces.plan import Plan

type Floats = NDArray[np.float32]

type Share = Callable[[Work, int, float], int]
"""(work, rows, nanoseconds per row) -> the number of threads that took part."""


NEVER = np.empty(0, np.float32)

PINS = "pin"
"""Whose offer the pinned items are, among the sources."""


def serial(work: Work, rows: int, cost_ns_per_row: float) -> int:  # noqa: ARG001  a `Share`
    """Have all of it done here."""
    work(0, rows)
    return 1


async def read_users(
    queries: Sequence[Query],
    plans: Sequence[Plan],
    serving: Serving,
    store: FeatureStore,
    trace: Trace,
) -> list[UserRecord | None]:
    """Read the users of all queries in one round trip; None for who is a stranger.

    A user whom the store cannot give now is taken for a stranger, too.
    """
    ids = [query.user_id for query in queries if query.user_id is not None]
    if not ids:
        return [None] * len(queries)
    shown = SHOWN_CAP if any(plan.surface.filters.served for plan in plans) else 0
    try:
        read = iter(await store.read_users(ids, serving.user_schema, trace.left_s(), shown))
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
    catalogue = serving.snapshot.catalogue
    visit = (*query.session, *query.seed_items)
    known = user if user is not None else _stranger(serving.user_schema)
    history, places = catalogue.located((*visit, *known.history))
    served, shown_places = catalogue.located(known.shown, repeats=True)
    again = not plan.surface.filters.seen  # only then does it matter how often
    return Context(
        user_row=known.row,
        known=known.known,
        history=history,
        exclude=catalogue.ordinals((*query.exclude, *query.shown, *known.disliked)),
        hidden=_hidden(query, plan, serving),
        ages_s=_ages_s(len(visit), known.times_ms, places, now_s) if len(places) else NEVER,
        times=_times(history, (*visit, *known.history), catalogue) if again else NEVER,
        served=served,
        served_ages_s=ages_of(known.shown_times_ms[shown_places], now_s) if len(served) else NEVER,
        live=serving.live,
        now_s=now_s,
        seed=query.seed,
    )


def _ages_s(visited: int, times_ms: NDArray[np.int64], places: Items, now_s: float) -> Floats:
    """Return float32[h], the ages of those at ``places`` behind so many of this moment."""
    ages_s = np.zeros(visited + len(times_ms), np.float32)
    ages_s[visited:] = ages_of(times_ms, now_s)
    return ages_s[places]


def _times(history: Items, ids: Sequence[str], catalogue: Catalogue) -> Floats:
    """Return float32[h], how often each item of the history stands among the ids."""
    items, times = np.unique(catalogue.located(ids, repeats=True)[0], return_counts=True)
    return times[np.searchsorted(items, history)].astype(np.float32)


def _stranger(schema: Schema) -> UserRecord:
    return UserRecord(schema.default_row, False, [])


def _hidden(query: Query, plan: Plan, serving: Serving) -> Mask | None:
    """Return what the surface's rule or the query's filter hides."""
    if query.filter is None:
        return plan.hidden
    hidden = serving.filters.hidden(query.filter)
    return hidden if plan.hidden is None else hidden | plan.hidden


def candidates_of(
    query: Query, plan: Plan, context: Context, serving: Serving, share: Share, begin: Begin
) -> Candidates:
    """Return what is worth scoring: of what was found the best, where the surface says so."""
    found, pinned = found_of(query, plan, context, serving, share, begin)
    keep = plan.surface.scoring.light_keeps
    if keep is None or query.candidates:
        return found
    return lighten(found, keep, plan.light_weights, pinned)


def found_of(
    query: Query, plan: Plan, context: Context, serving: Serving, share: Share, begin: Begin
) -> tuple[Candidates, Items]:
    """Ask every source and merge what they offer; or appraise the caller's own candidates.

    Returns these, and the ordinals of those among them that are pinned.
    """
    snapshot = serving.snapshot
    if query.candidates:
        items = snapshot.catalogue.ordinals(query.candidates)
        if len(context.exclude):
            items = np.setdiff1d(items, context.exclude, assume_unique=True)
        if context.hidden is not None:
            items = items[~context.hidden[items]]
        if snapshot.retired is not None:
            items = items[~snapshot.retired[items]]
        return appraise(context, snapshot, items), items[:0]
    mask = blocked(context, snapshot, plan.surface.filters.seen)
    served = plan.surface.filters.served
    if served is not None and served.hide_after is not None:
        mask[showings(context, served.within_s).hidden(served.hide_after)] = True

    def spread(work: Work, blocks: int) -> None:
        share(work, blocks, serving.search_ns_per_block)

    offers = gather(plan.calls, context, snapshot, mask, spread, begin)
    if not (query.pins or plan.rules.pins):
        return merge(context, snapshot, offers, plan.sources), context.history[:0]
    pinned = pins_of(query, plan.rules.pins, snapshot.catalogue)
    items = np.array(list(pinned.values()), np.int64)
    items = items[~mask[items]]
    # As the offer of one more source, so that they are candidates whoever else offers them.
    offers.append(Found(items, np.zeros(len(items), np.float32)))
    return merge(context, snapshot, offers, (*plan.sources, PINS)), items


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
        rows, present = last_known(asked, serving), np.zeros(len(asked), dtype=np.bool_)
    if len(missed) == 1:
        return [gathered[0].completed(rows, present)]
    places = [np.searchsorted(asked, items) for items in missed]
    return [
        found.completed(rows[place], present[place])
        for found, place in zip(gathered, places, strict=True)
    ]


def last_known(items: Items, serving: Serving) -> Rows:
    """Return the rows that the store gave last; the artifact's where it gave none."""
    known = serving.near.recall(items)
    artifacts = serving.snapshot.item_rows[items[known.missed]]
    rows, _ = known.completed(artifacts, np.zeros(len(artifacts), dtype=np.bool_))
    return rows


def block_of(
    plan: Plan,
    context: Context,
    candidates: Candidates,
    read: tuple[Rows, Mask],
    serving: Serving,
) -> FeatureBlock:
    """Lay out the rows that the scorer ranks, as far as the surface lets it see them."""
    return veil(assemble(context, candidates, *read, serving.snapshot), plan.veiled)


def scores_of(
    plan: Plan,
    context: Context,
    block: FeatureBlock,
    stored: Rows,
    serving: Serving,
    share: Share,
    trace: Trace,
) -> Scores:
    """Score every row by every ranker, and add up the surface's objectives.

    ``stored`` are the candidates' own rows, which objectives may be columns of.
    """
    objectives, rows = plan.objectives, block.rows
    step = objectives.rows_per_block
    values = objectives.room(len(rows))

    def score(low: int, high: int) -> None:
        shard = slice(low * step, high * step)
        for ranker, scores in zip(objectives.rankers, values, strict=False):
            scores[shard] = ranker(rows[shard])

    blocks = -(-len(rows) // step)
    cost = step * serving.score_ns_per_row * len(objectives.rankers)
    trace.threads = share(score, blocks, cost)
    return objectives.total(values, context, block.items, stored)


def slate_of(
    query: Query,
    plan: Plan,
    context: Context,
    block: FeatureBlock,
    scores: Scores,
    serving: Serving,
    trace: Trace,
) -> Slate:
    """Pick the slate by the surface's rules; without diversity where the deadline has passed."""
    depth, snapshot = depth_for(query.limit), serving.snapshot
    if query.diversity and not trace.left_s():
        trace.degrade("rerank", "deadline")
        query = replace(query, diversity=0.0)
    served, lift = plan.surface.filters.served, None
    if served is not None and served.discount < 1 and len(context.served):
        lift = showings(context, served.within_s).lift(served.discount, block.items)
    return arrange(query, context, block.items, scores, plan.rules, snapshot, depth, lift)
