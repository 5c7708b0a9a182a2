"""What a surface may ask for beside the model's scores, for `benchmarks.stages` to time."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from features.types import Candidates, Context, FeatureBlock, Live
from ranking.columns import FRESH, LIVE, WINDOWS
from ranking.freshness import write_freshness
from ranking.light import lighten
from ranking.live import write_live
from ranking.objectives import Objectives, ScoringSettings
from ranking.retrieval.fuse import FUSION_WEIGHTS
from ranking.snapshot import Snapshot
from ranking.view import veil
from tests.ranking import plain

type Stage = Callable[[int], Any]

SETTINGS = ScoringSettings(objectives={"model": 1.0, "trend": 0.2, "ctr": 0.2})


def _with_ages(context: Context, live: Live) -> Context:
    ages = (3600.0 * np.arange(len(context.history))).astype(np.float32)
    return replace(context, live=live, ages_s=ages)


def scoring_stages(
    snapshot: Snapshot,
    contexts: Sequence[Context],
    candidates: Sequence[Candidates],
    item_rows: Sequence[np.ndarray],
) -> dict[str, tuple[Stage, Stage]]:
    """Return each step as we do it and as numpy does."""
    rng = np.random.default_rng(8)
    size, width = len(snapshot.catalogue), len(snapshot.scorer.columns)
    shown, clicked = rng.integers(0, 100, (2, len(WINDOWS), size)).astype(np.float32)
    trend = rng.random(size).astype(np.float32)
    live = Live(shown, clicked, trend, np.empty(0, np.int64))
    alive = [_with_ages(context, live) for context in contexts]
    blocks = [
        FeatureBlock(
            one.items, rng.normal(size=(len(one.items), width)).astype(np.float32), one.items > 0
        )
        for one in candidates
    ]
    objectives = Objectives.of(SETTINGS, snapshot)
    scores = [snapshot.scorer(block.rows) for block in blocks]
    half = np.arange(0, width, 2)
    kept = np.arange(width) % 2 == 1

    def total(i: int) -> Any:
        values = objectives.room(len(scores[i]))
        values[0] = scores[i]
        return objectives.total(values, alive[i], candidates[i].items, item_rows[i])

    def plain_total(i: int) -> Any:
        columns = plain.live_columns(live, candidates[i].items)
        values = np.stack((scores[i], columns[:, -1], columns[:, -2]))
        return plain.blend(values, objectives.weights)

    def live_columns(i: int) -> Any:
        columns = np.empty((len(candidates[i].items), len(LIVE)), np.float32)
        write_live(live, candidates[i].items, columns, 0)
        return columns

    def fresh(i: int) -> Any:
        columns = np.empty((len(candidates[i].items), len(FRESH)), np.float32)
        write_freshness(alive[i], item_rows[i], snapshot, columns, 0)
        return columns

    def plain_fresh(i: int) -> Any:
        return plain.fresh_columns(alive[i], item_rows[i], snapshot)

    light = 200
    return {
        "score: light phase": (
            lambda i: lighten(candidates[i], light),
            lambda i: plain.lighten(candidates[i], light, FUSION_WEIGHTS),
        ),
        "score: three objectives": (total, plain_total),
        "features: live columns": (
            live_columns,
            lambda i: plain.live_columns(live, candidates[i].items),
        ),
        "features: the asker's times": (fresh, plain_fresh),
        "features: half in view": (
            lambda i: veil(blocks[i], half).rows,
            lambda i: np.where(kept, blocks[i].rows, np.float32(0)),
        ),
    }
