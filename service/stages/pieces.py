"""Rows scored in pieces, with a look at the clock before each."""

from collections.abc import Callable, Sequence
from itertools import chain
from time import perf_counter_ns
from typing import Final, NamedTuple

import numpy as np

from features.types import Rows, Scores
from ranking.scorers import FunctionScorer
from ranking.snapshot import Scorer
from service.stages.means import Means
from service.watchdog import Late

PIECE_NS: Final = 2e6
"""About how long rows are scored between two looks at the clock; a look takes 50 ns."""

type Ranker = Callable[[Rows], Scores]


class Piece(NamedTuple):
    """What each ranker says of rows [start, stop)."""

    start: int
    stop: int
    scores: list[Scores]


def score_pieces(
    rankers: Sequence[Scorer],
    rows: Rows,
    rows_per_block: int,
    ns_per_row: float,
    stop_ns: float,
    means: Means,
) -> list[Piece]:
    """Score as many of float32[n, f] rows as there is time for, the first ones first.

    Raises:
        TypeError: a ranker's answer is not one float32 per row.
    """
    n, block_ns = len(rows), rows_per_block * ns_per_row
    step = max(1, int(PIECE_NS / max(block_ns, 1.0)))
    ready = [_ready(ranker, stop_ns, means) for ranker in rankers]

    def work(low: int, high: int) -> list[Piece]:
        done: list[Piece] = []
        for block in range(low, high, step):
            if perf_counter_ns() >= stop_ns:
                break
            start, stop = block * rows_per_block, min(block + step, high) * rows_per_block
            part = rows[start:stop]
            try:
                scores = [_checked(ranker(part), len(part)) for ranker in ready]
            except Late:
                break
            done.append(Piece(start, start + len(part), scores))
        return done

    blocks = -(-n // rows_per_block)
    if means.asides is not None and any(map(means.suspects, rankers)):
        parts = means.asides.score(work, blocks, stop_ns, means.trace)
    else:
        parts = means.share(work, blocks, block_ns, stop_ns)
    return list(chain.from_iterable(parts))


def _ready(ranker: Scorer, stop_ns: float, means: Means) -> Ranker:
    return means.watched(ranker, stop_ns) if isinstance(ranker, FunctionScorer) else ranker


def _checked(scores: Scores, count: int) -> Scores:
    if np.shape(scores) != (count,) or scores.dtype != np.float32:
        said = f"{np.asarray(scores).dtype}{[*np.shape(scores)]}"
        raise TypeError(f"a scorer returned {said} for {count} rows; give float32[{count}]")
    return scores
