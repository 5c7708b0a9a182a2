"""The same maths as Braid's standard work, as a good team writes it: LightGBM, numpy, numba."""

import json
from pathlib import Path

import lightgbm
import numba
import numpy as np
from numpy.typing import NDArray

DEPTH = 5  # re-rank this many times the slate's length, as Braid does
SMALLEST_DEPTH = 250
RAMP = 9  # places over which the diversity grows, as Braid's does


class Ranker:
    """A forest and unit vectors, in memory."""

    def __init__(self, folder: Path, threads: int) -> None:
        self._model = lightgbm.Booster(model_file=str(folder / "model.txt"))
        self._threads = threads
        self._directions = np.load(folder / "directions.npy")
        ids = json.loads((folder / "ids.json").read_text())
        self._ordinals = {item: ordinal for ordinal, item in enumerate(ids)}
        self.score(np.zeros((64, self._model.num_feature()), np.float32))
        self.rerank(np.arange(200, dtype=np.float32), ids[:1] * 200, 50, 0.3)

    def score(self, rows: NDArray[np.float32]) -> NDArray[np.float32]:
        """Score float32[n, f]."""
        scores = self._model.predict(
            rows, raw_score=True, num_threads=self._threads, validate_features=False
        )
        return np.asarray(scores, np.float32)

    def rerank(
        self, scores: NDArray[np.float32], ids: list[str], limit: int, diversity: float
    ) -> NDArray[np.int64]:
        """Return the picks, best first: MMR over the best of the scores."""
        depth = min(len(scores), max(SMALLEST_DEPTH, DEPTH * limit))
        best = np.argpartition(scores, len(scores) - depth)[len(scores) - depth :]
        best = best[np.argsort(-scores[best], kind="stable")]
        ordinals = self._ordinals
        vectors = self._directions[[ordinals[ids[place]] for place in best.tolist()]]
        return np.asarray(best[mmr(scores[best], vectors, limit, diversity)])


@numba.njit(cache=True, fastmath=True)
def mmr(
    relevance: NDArray[np.float32], units: NDArray[np.float32], k: int, diversity: float
) -> NDArray[np.int64]:
    """Pick k greedily by MMR that grows over the first places; relevance is sorted, best first."""
    n, width = units.shape
    k = min(k, n)
    low, span = relevance[-1], max(relevance[0] - relevance[-1], np.float32(1e-30))
    nearest = np.full(n, -np.inf, np.float32)
    taken = np.zeros(n, np.bool_)
    picks = np.empty(k, np.int64)
    pick = 0
    for step in range(k):
        picks[step] = pick
        taken[pick] = True
        best, following = np.float32(-1e30), 0
        strength = diversity * min(1.0, (step + 1) / RAMP)
        for i in range(n):
            likeness = np.float32(0.0)
            for f in range(width):
                likeness += units[i, f] * units[pick, f]
            nearest[i] = max(nearest[i], likeness)
            worth = (1 - strength) * (relevance[i] - low) / span - strength * nearest[i]
            if not taken[i] and worth > best:
                best, following = worth, i
        pick = following
    return picks
