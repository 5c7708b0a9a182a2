"""Rerank: the slate, within the surface's rules."""

from dataclasses import replace

from features.types import Context, FeatureBlock, Query, Scores, Slate
from ranking.rerank import arrange, depth_for, showings
from service.observe.spans import Trace
from service.state import Serving
from service.surfaces.plan import Plan


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
