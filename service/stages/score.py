"""Score: every row, by every ranker, and the surface's objectives added up."""

from time import perf_counter_ns
from typing import Final

import numpy as np

from features.types import Candidates, Context, FeatureBlock, Items, Rows, Scores
from ranking.light import stand_behind
from ranking.retrieval.fuse import fuse
from ranking.topk import top_k
from service import budget
from service.effort import OVERLOAD
from service.stages.means import Means
from service.stages.pieces import Piece, score_pieces
from service.state import Serving
from service.surfaces.plan import Plan

HURRY: Final = 0.5
"""The share of its time from which on scoring begins with the best of the light phase."""

NOTHING: Final = np.empty(0, np.float32)


def scores_of(
    plan: Plan,
    context: Context,
    candidates: Candidates,
    block: FeatureBlock,
    stored: Rows,
    serving: Serving,
    means: Means,
) -> Scores:
    """Score every row by every ranker, and add up the surface's objectives.

    ``stored`` are the candidates' own rows, which objectives may be columns of. Rows for which the
    time or the effort does not suffice stand behind the others, in the order of the light phase;
    where it could come to that, the best of the light phase are scored first.

    Raises:
        TypeError: a ranker's answer is not one float32 per row.
    """
    objectives, rows, trace = plan.objectives, block.rows, means.trace
    n, stop_ns = len(rows), trace.stop_ns(budget.SCORE)
    if not objectives.rankers:
        return objectives.total(objectives.room(n), context, block.items, stored)
    most, ns_per_row = means.effort.rows(n), serving.score_ns_per_row * len(objectives.rankers)
    light: Scores | None = None
    if most < n or n * ns_per_row > HURRY * (stop_ns - perf_counter_ns()):
        light = fuse(candidates, plan.light_weights)
        order = top_k(light, most)
        rows = rows[order]

    per_block = objectives.rows_per_block
    pieces = score_pieces(objectives.rankers, rows, per_block, ns_per_row, stop_ns, means)
    if light is None and objectives.one_ranker_alone:  # as below, in one go
        alone = pieces[0].scores[0] if len(pieces) == 1 else _joined(pieces)
        if len(alone) == n:
            return alone

    values, places, count = objectives.room(n), list[Items | slice](), 0
    for piece in pieces:
        share = slice(piece.start, piece.stop)
        places.append(share if light is None else order[share])
        count += piece.stop - piece.start
        for row, scores in zip(values, piece.scores, strict=False):
            row[places[-1]] = scores
    if count == n:
        return objectives.total(values, context, block.items, stored)

    if most < n:
        trace.degrade("score", OVERLOAD)
    if count < most:
        trace.degrade("score", budget.LATE)
    trace.scored = count / n
    done = np.zeros(n, np.bool_)
    for place in places:
        done[place] = True
    scored = np.flatnonzero(done)
    part = np.ascontiguousarray(values[:, scored])
    scores = objectives.total(part, context, block.items[scored], stored[scored])
    if light is None:
        light = fuse(candidates, plan.light_weights)
    return stand_behind(light, scored, scores)


def _joined(pieces: list[Piece]) -> Scores:
    return np.concatenate([piece.scores[0] for piece in pieces] or [NOTHING])
