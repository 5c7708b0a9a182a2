"""What each source and each stage makes of a request, through the functions that serve it."""

from typing import Final, NamedTuple

import numpy as np

from features.types import Candidates, Context, Items
from ranking.masks import blocked
from ranking.rerank import depth_for, fill
from ranking.retrieval import SOURCES, fuse, retrieve
from ranking.snapshot import Snapshot
from ranking.topk import top_k
from training.replay import rows_of

DEPTH: Final = 50
"""A slate's length here: enough for recall@50."""
DIVERSITY: Final = 0.3
"""A request's default for MMR."""
SLATE: Final = 10
"""The slate's length that decides how many candidates compete for it."""

RETRIEVAL: Final = "retrieval"
RANKED: Final = "retrieval + ranker"
DIVERSIFIED: Final = "retrieval + ranker + MMR"
STAGES: Final = (RETRIEVAL, RANKED, DIVERSIFIED)


class Steps(NamedTuple):
    """The candidates, each source's best 50 and the best 50 after each stage, by name."""

    candidates: Candidates
    slates: dict[str, Items]


def steps(context: Context, snapshot: Snapshot) -> Steps:
    """Answer one request as far as each step goes; a slate holds 50 items or fewer, best first."""
    candidates = retrieve(context, snapshot)
    block = rows_of(context, candidates, snapshot)
    scores = snapshot.scorer(block.rows)
    mask = blocked(context, snapshot)
    varied = fill(block.items, scores, snapshot.directions, DEPTH, DIVERSITY, depth_for(SLATE))
    slates = {
        **{
            name: _new(source(context, snapshot, mask, DEPTH).items, context)
            for name, source in SOURCES.items()
        },
        RETRIEVAL: candidates.items[top_k(fuse(candidates), DEPTH)],
        RANKED: block.items[top_k(scores, DEPTH)],
        DIVERSIFIED: block.items[varied],
    }
    return Steps(candidates, slates)


def _new(items: Items, context: Context) -> Items:
    """Return the items without those consumed: one source offers nothing but them."""
    return items[~np.isin(items, context.history)]
