"""The re-rank stage: from scored candidates to a slate within a surface's rules."""

from typing import Final

import numpy as np

from features.types import Context, Items, Query, Scores, Slate
from ranking.catalogue import Catalogue
from ranking.rerank.boosts import lifted, request_lift
from ranking.rerank.compiled import CompiledRules
from ranking.rerank.exploration import anyone, explores, thompson
from ranking.rerank.fill import fill
from ranking.rerank.own import RerankFunction, order
from ranking.rerank.pins import pin, pins_of
from ranking.rerank.ruled import Page, pick
from ranking.rerank.within import Explored
from ranking.snapshot import Snapshot
from ranking.topk import top_k

MOVES: Final = ("", "pin", "explore", "promotion", "cap", "window", "calibration")
"""Why a pick stands where it does, by the kernel's numbers."""


def arrange(
    query: Query,
    context: Context,
    items: Items,
    scores: Scores,
    rules: CompiledRules,
    snapshot: Snapshot,
    depth: int,
    lift: Scores | None = None,
) -> Slate:
    """Pick the slate of a query from n candidates.

    ``items`` is int64[n], ``scores`` float32[n]; a score that is no finite number earns no place,
    and is told as 0 where a rule gives it one. The ``depth`` best compete by diversity; what lies
    deeper is only picked so that no rule breaks, to explore, or where it is pinned. ``lift``
    float32[n] lowers what was shown (`rotation`). Pinned items must be among the candidates, unless
    they are blocked. Raises ValueError or TypeError where a re-ranker of the user's own answers
    badly.
    """
    if rules.plain and lift is None and not (query.pins or query.boosts):
        wanted = query.limit, query.diversity, depth, len(query.shown)
        picks = fill(items, scores, snapshot.directions, *wanted)
        return Slate(picks, scores[picks])

    worths, diversity = _worths(query, items, scores, rules, lift), query.diversity
    if rules.function is not None:
        worths = _ordered(rules.function, query, items, worths, snapshot.catalogue, depth)
        diversity = 0.0
    offset = len(query.shown)
    pins = pins_of(query, rules.pins, snapshot.catalogue)
    pinned = pin(pins, items, worths, offset, query.limit)
    k = len(pinned.slate)
    if not k:
        return Slate(pinned.slate, scores[:0], (), pinned.relaxed)
    finite = np.isfinite(worths)
    worths = np.where(pinned.eligible, np.where(finite, worths, -np.inf), np.nan)
    eligible = int(np.count_nonzero(pinned.eligible))
    competing = min(depth, int(np.count_nonzero(pinned.eligible & finite)))

    widest = max((limit.within for limit in rules.limits), default=0)
    above = snapshot.catalogue.ordinals(query.shown)[-(widest - 1) :] if widest else items[:0]
    page = Page(
        items=items,
        worths=worths,
        slate=pinned.slate,
        above=above,
        history=context.history,
        explored=_explored(context, items, rules, offset, k),
        rules=rules,
        diversity=diversity,
        first=offset,
        directions=snapshot.directions,
    )
    if page.explored.places.any():
        pool = top_k(worths, eligible)
    else:
        pool = top_k(worths, competing)
        if pins:
            deep = np.setdiff1d(pinned.slate[pinned.slate >= 0], pool)
            pool = np.concatenate((pool, deep))
    picks, moves, broken = pick(page, pool, competing)
    if broken and len(pool) < eligible:
        picks, moves, broken = pick(page, top_k(worths, eligible), competing)
    shown = scores[picks]
    # What is pinned, promoted or explored has a place whatever its score, and JSON has no NaN.
    shown = np.where(np.isfinite(shown), shown, np.float32(0.0))
    return Slate(
        picks,
        shown,
        tuple(MOVES[move] for move in moves.tolist()),
        (*pinned.relaxed, *broken),
    )


def _worths(
    query: Query, items: Items, scores: Scores, rules: CompiledRules, lift: Scores | None
) -> Scores:
    """Return the scores with all that lifts or lowers them."""
    lifts = [] if lift is None else [lift]
    if rules.lift is not None:
        lifts.append(rules.lift[items])
    if query.boosts:
        lifts.append(request_lift(query.boosts, rules.attributes, items))
    return lifted(scores, sum(lifts[1:], lifts[0])) if lifts else scores


def _ordered(
    function: RerankFunction,
    query: Query,
    items: Items,
    worths: Scores,
    catalogue: Catalogue,
    depth: int,
) -> Scores:
    """Return scores that descend as the user's own re-ranker orders the best, NaN for the rest."""
    best = top_k(worths, depth)
    best = best[np.isfinite(worths[best])]
    picks = order(function, items[best], worths[best], catalogue, query.limit)
    ordered = np.full(len(items), np.nan, np.float32)
    ordered[best[picks]] = -np.arange(len(picks))
    return ordered


def _explored(
    context: Context, items: Items, rules: CompiledRules, offset: int, k: int
) -> Explored:
    """Draw which places explore, and if any does, what they show."""
    how = rules.rules.explore
    draws = np.empty(len(items))
    if how is None:
        return Explored(np.zeros(k, np.bool_), draws)
    places = explores(context.seed, how.share, how.first_place, offset, k)
    if not places.any():
        return Explored(places, draws)
    if how.method == "epsilon":
        draws = anyone(context.seed, items)
    else:
        draws = thompson(context.seed, items, context.live, how.prior_clicks, how.prior_impressions)
    if rules.explorers is not None:
        draws[~rules.explorers[items]] = np.nan
    return Explored(places, draws)
