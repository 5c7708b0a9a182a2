"""Retrieve: what is worth scoring, with who offered it."""

import numpy as np

from features.types import Candidates, Context, Items, Query
from ranking.light import lighten
from ranking.masks import blocked
from ranking.rerank import pins_of, showings
from ranking.retrieval import Found, appraise, merge
from ranking.retrieval.gather import gather
from service.crew import Work
from service.stages.means import Means
from service.state import Serving
from service.surfaces.plan import Plan

PINS = "pin"
"""Whose offer the pinned items are, among the sources."""


def candidates_of(
    query: Query, plan: Plan, context: Context, serving: Serving, means: Means
) -> Candidates:
    """Return what is worth scoring: of what was found the best, where the surface says so."""
    found, pinned = found_of(query, plan, context, serving, means)
    keep = plan.surface.scoring.light_keeps
    if keep is None or query.candidates:
        return found
    return lighten(found, keep, plan.light_weights, pinned)


def found_of(
    query: Query, plan: Plan, context: Context, serving: Serving, means: Means
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

    def spread[T](work: Work[T], blocks: int) -> list[T]:
        return means.share(work, blocks, serving.search_ns_per_block)

    offers = gather(plan.calls, context, snapshot, mask, spread, means.begin())
    if not (query.pins or plan.rules.pins):
        return merge(context, snapshot, offers, plan.sources), context.history[:0]
    pinned = pins_of(query, plan.rules.pins, snapshot.catalogue)
    items = np.array(list(pinned.values()), np.int64)
    items = items[~mask[items]]
    # As the offer of one more source, so that they are candidates whoever else offers them.
    offers.append(Found(items, np.zeros(len(items), np.float32)))
    return merge(context, snapshot, offers, (*plan.sources, PINS)), items
