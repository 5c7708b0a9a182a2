"""Score: every row, by every ranker, and the surface's objectives added up."""

from features.types import Context, FeatureBlock, Rows, Scores
from service.observe.spans import Trace
from service.stages.share import Share
from service.state import Serving
from service.surfaces.plan import Plan


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
