"""A ranking without a model: the sources' own rankings, fused."""

from collections.abc import Mapping
from typing import Final

import numpy as np
from numba import types
from numpy.typing import NDArray

from features.kernels import inputs, kernel, output
from features.types import Candidates, Scores
from ranking.columns import SOURCE_NAMES
from ranking.places import write_places

FUSION_WEIGHTS: Final[Mapping[str, float]] = dict.fromkeys(
    ("popularity", "segment", "trending", "latest"), 0.1
)
"""A source's say in `fuse`, 1 where it is not named. Those that know nothing of the asker's history
break near-ties."""

RANK_CONSTANT: Final = 61.0
"""The paper's 60, for ranks that begin with 0."""


def fuse(candidates: Candidates, weights: Mapping[str, float] = FUSION_WEIGHTS) -> Scores:
    """Return float32[n]: the sources' rankings fused into one score, without any model.

    Reciprocal rank fusion with the paper's constant of 60 (Cormack, Clarke, Buettcher,
    SIGIR 2009), weighted by the source's name. An item that a source did not offer gets nothing
    from it.
    """
    names = candidates.sources or SOURCE_NAMES[: candidates.scores.shape[1]]
    columns = np.ascontiguousarray(candidates.scores.T)
    places = np.empty((len(candidates.items), len(columns)), np.float32)
    write_places(columns, places, 0)
    say = np.array([weights.get(name, 1.0) for name in names], np.float64)
    fused = np.empty(len(places), np.float32)
    vote(columns, places, say, fused)
    return fused


@kernel(
    inputs(types.float32, 2),
    inputs(types.float32, 2),
    inputs(types.float64),
    output(types.float32),
)
def vote(
    columns: NDArray[np.float32],
    places: NDArray[np.float32],
    say: NDArray[np.float64],
    fused: Scores,
) -> None:
    """Write the sum over the sources of weight / (61 + place), where they offered the item.

    ``columns`` are the sources' scores float32[s, n], NaN where not offered; ``places`` is
    float32[n, s].
    """
    for row in range(len(fused)):
        total = 0.0
        for source in range(len(say)):
            if not np.isnan(columns[source, row]):
                total += say[source] / (RANK_CONSTANT + places[row, source])
        fused[row] = total
