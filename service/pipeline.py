"""The recipe: one arrow, one type, one span around each stage.

    Query -> Context -> Candidates -> FeatureBlock -> Scores -> Slate

A stage that reads the store may fail; what then stands in its place is its fallback:

    | stage    | fallback                      | what the client still gets                |
    |----------|-------------------------------|-------------------------------------------|
    | context  | a stranger, with the session  | popular items, or the session's likes     |
    | features | the rows last known           | the full ranking, on rows that may be old |
    | rerank   | plain top-k                   | the best scores, without diversity        |

Each use of one is told in the answer's `degraded` and counted. A scorer that raises is a bug,
not a fault: that request fails, alone.
"""

import asyncio
from dataclasses import dataclass

import numpy as np

from features.errors import StoreUnavailable
from features.store import FeatureStore
from features.types import Candidates, Context, FeatureBlock, Items, Query, Rows, Scores, Slate
from ranking.assemble import assemble
from ranking.masks import blocked
from ranking.rerank import depth_for, fill
from ranking.retrieval import QUOTAS, SOURCES, Found, appraise, merge
from ranking.snapshot import Snapshot
from service.crew import Caller, Party
from service.observe.spans import Trace
from service.state import Serving


@dataclass(frozen=True, slots=True)
class Answer:
    """The slate and what is needed to tell where it came from."""

    slate: Slate
    candidates: Candidates
    block: FeatureBlock


async def recommend(
    query: Query, serving: Serving, store: FeatureStore, caller: Caller, trace: Trace
) -> Answer:
    """Answer a query from one snapshot; both the values and the order of the stages are here."""
    snapshot = serving.snapshot
    with caller.party() as party:
        with trace.span("context"):
            context = await _context(query, serving, store, trace)
        with trace.span("retrieve"):
            candidates = _candidates(query, context, serving, party)
        with trace.span("features"):
            party.rouse(len(candidates.items) * serving.score_ns_per_row)
            block = await _features(context, candidates, serving, store, trace)
        with trace.span("score"):
            scores = _scores(block, serving, party, trace)
        with trace.span("rerank"):
            slate = _slate(query, block, scores, snapshot, trace)
    return Answer(slate, candidates, block)


async def _context(query: Query, serving: Serving, store: FeatureStore, trace: Trace) -> Context:
    row, known, stored = serving.user_schema.default_row, False, list[str]()
    if query.user_id is not None:
        try:
            user = await store.read_user(query.user_id, serving.user_schema, trace.left_s())
            row, known, stored = user.row, user.known, user.history
        except StoreUnavailable as fault:
            trace.degrade("context", fault.reason)
    ordinals = serving.snapshot.catalogue.ordinals
    return Context(
        user_row=row,
        known=known,
        history=ordinals([*query.session, *query.seed_items, *stored]),
        exclude=ordinals(query.exclude),
    )


def _candidates(query: Query, context: Context, serving: Serving, party: Party) -> Candidates:
    snapshot = serving.snapshot
    if query.candidates:
        items = snapshot.catalogue.ordinals(query.candidates)
        if len(context.exclude):
            items = np.setdiff1d(items, context.exclude, assume_unique=True)
        return appraise(context, snapshot, items)
    mask = blocked(context, snapshot)
    sources = list(SOURCES.items())
    offers: list[Found | None] = [None] * len(sources)

    def ask(low: int, high: int) -> None:
        for index in range(low, high):
            name, source = sources[index]
            offers[index] = source(context, snapshot, mask, QUOTAS[name])

    party.share(ask, len(sources), serving.retrieve_ns_per_source)
    return merge(context, snapshot, [offer for offer in offers if offer is not None])


async def _features(
    context: Context,
    candidates: Candidates,
    serving: Serving,
    store: FeatureStore,
    trace: Trace,
) -> FeatureBlock:
    near, items = serving.near, candidates.items
    found = near.gather(items)
    rows, present = found.rows, found.present
    trace.note_near(len(items) - len(found.missed), len(found.missed))
    if len(found.missed):
        missed = items[found.missed]
        try:
            read = await store.read_items(serving.items, missed, trace.left_s())
            # When the loop is free again: the answer does not wait for it.
            asyncio.get_running_loop().call_soon(near.fill, found.ticket, missed, *read)
        except StoreUnavailable as fault:
            trace.degrade("features", fault.reason)
            # What may be old does not count as present.
            read = _last_known(missed, serving), np.zeros(len(missed), dtype=np.bool_)
        rows, present = found.completed(*read)
    return assemble(context, candidates, rows, present, serving.snapshot)


def _last_known(items: Items, serving: Serving) -> Rows:
    """Return the rows that the store gave last; the artifact's where it gave none."""
    known = serving.near.recall(items)
    artifacts = serving.snapshot.item_rows[items[known.missed]]
    rows, _ = known.completed(artifacts, np.zeros(len(artifacts), dtype=np.bool_))
    return rows


def _scores(block: FeatureBlock, serving: Serving, party: Party, trace: Trace) -> Scores:
    scorer, rows = serving.snapshot.scorer, block.rows
    step = scorer.rows_per_block
    scores = np.empty(len(rows), dtype=np.float32)

    def score(low: int, high: int) -> None:
        shard = slice(low * step, high * step)
        scores[shard] = scorer(rows[shard])

    blocks = -(-len(rows) // step)
    trace.threads = party.share(score, blocks, step * serving.score_ns_per_row)
    return scores


def _slate(
    query: Query,
    block: FeatureBlock,
    scores: Scores,
    snapshot: Snapshot,
    trace: Trace,
) -> Slate:
    diversity = query.diversity
    if diversity and not trace.left_s():
        trace.degrade("rerank", "deadline")
        diversity = 0.0
    depth = depth_for(query.limit)
    picks = fill(block.items, scores, snapshot.directions, query.limit, diversity, depth)
    return Slate(picks=picks, scores=scores[picks])
