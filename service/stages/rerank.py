"""Rerank: the slate, within the surface's rules."""

from dataclasses import replace

import numpy as np

from features.types import Context, FeatureBlock, Query, Scores, Slate
from ranking.rerank import CompiledRules, arrange, depth_for, showings
from ranking.write import all_finite
from service import budget
from service.stages.means import Means
from service.state import Serving
from service.surfaces.plan import Plan
from service.watchdog import Late


def slate_of(
    query: Query,
    plan: Plan,
    context: Context,
    block: FeatureBlock,
    scores: Scores,
    serving: Serving,
    means: Means,
) -> Slate:
    """Pick the slate by the surface's rules.

    Where the deadline has passed, without diversity; and without a re-ranker of the user's own
    where that took too long.
    """
    trace, rules, snapshot = means.trace, plan.rules, serving.snapshot
    if not all_finite(scores[None]):
        trace.unranked += int(np.count_nonzero(~np.isfinite(scores)))
    if (query.diversity or rules.function) and trace.expired():
        trace.degrade("rerank", budget.LATE)
        query, rules = replace(query, diversity=0.0), _without_function(rules)
    served, lift = plan.surface.filters.served, None
    if served is not None and served.discount < 1 and len(context.served):
        lift = showings(context, served.within_s).lift(served.discount, block.items)
    depth = depth_for(query.limit)
    if rules.function is not None:
        watched = means.watched(rules.function, trace.stop_ns(budget.RERANK))
        own = replace(rules, function=watched)
        try:
            return arrange(query, context, block.items, scores, own, snapshot, depth, lift)
        except Late:
            trace.degrade("rerank", budget.LATE)
            query, rules = replace(query, diversity=0.0), _without_function(rules)
    return arrange(query, context, block.items, scores, rules, snapshot, depth, lift)


def _without_function(rules: CompiledRules) -> CompiledRules:
    return rules if rules.function is None else replace(rules, function=None)
