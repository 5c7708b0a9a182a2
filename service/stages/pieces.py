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

FLOAT32: Final = np.dtype(np.float32)  # made once: a comparison with the type makes one each time

type Ranker = Callable[[Rows], Scores]


class Piece(NamedTuple):
    """What each ranker says of the rows from ``start`` on, of at least one."""

    start: int
    scores: list[Scores]

    @property
    def stop(self) -> int:
        """Return the row behind the last one."""
        return self.start + len(self.scores[0])


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
    blocks = -(-n // rows_per_block)
    step = max(1, int(PIECE_NS / max(block_ns, 1.0)))
    own = [ranker for ranker in rankers if isinstance(ranker, FunctionScorer)]
    ready = [_ready(ranker, stop_ns, means) for ranker in rankers] if own else rankers

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
            done.append(Piece(start, scores))
        return done

    if own and means.asides is not None and any(map(means.suspects, own)):
        parts = means.asides.score(work, blocks, stop_ns, means.trace)
    else:
        parts = means.share(work, blocks, block_ns, stop_ns)
    return parts[0] if len(parts) == 1 else list(chain.from_iterable(parts))


def _ready(ranker: Scorer, stop_ns: float, means: Means) -> Ranker:
    return means.watched(ranker, stop_ns) if isinstance(ranker, FunctionScorer) else ranker


def _checked(scores: Scores, count: int) -> Scores:
    if type(scores) is not np.ndarray or scores.shape != (count,) or scores.dtype != FLOAT32:
        said = f"{np.asarray(scores).dtype}{[*np.shape(scores)]}"
        raise TypeError(f"a scorer returned {said} for {count} rows; give float32[{count}]")
    return scores
