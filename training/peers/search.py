"""The same number of random trials for each family, judged on the validation cut alone."""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from training.peers.exchange import Lists, Log, Split
from training.peers.families import Family, Parameters

DEPTH = 50


def compete(
    split: Split, family: Family, trials: int, seed: int, progress: Callable[[int], None]
) -> Lists:
    """Choose the parameters, learn from the whole training part, and recommend.

    Random search (Bergstra, Bengio, JMLR 2012); a family without parameters needs one trial.
    """
    rng = np.random.default_rng(seed)
    best: tuple[float, dict[str, Any]] = (-1.0, {})
    trials = trials if family.space else 1
    for trial in range(trials):
        parameters = {name: draw(rng) for name, draw in family.space.items()}
        found = _recommend(family, split.fit, split, parameters, seed)
        best = max(best, (ndcg_10(found, split.validation), parameters), key=lambda pair: pair[0])
        progress(trial + 1)
    value, parameters = best
    items = _recommend(family, split.train, split, parameters, seed)
    return Lists(items, parameters, value, trials, family.helped)


def _recommend(
    family: Family, log: Log, split: Split, parameters: Parameters, seed: int
) -> NDArray[np.int32]:
    """Return the best items of each user, without those consumed: int32[n_users, depth]."""
    shape = split.n_users, split.n_items
    consumed = _matrix(log, np.ones(len(log.items), np.float32), shape)
    queries = consumed
    if family.helped:
        queries = _matrix(log, recency(log.users, parameters), shape)
    scores = np.array(family.score(consumed, queries, parameters, seed), np.float32)
    scores[log.users, log.items] = -np.inf
    order = np.argsort(-scores, axis=1, kind="stable")[:, :DEPTH]
    open_ones = np.isfinite(np.take_along_axis(scores, order, axis=1))
    return np.where(open_ones, order, -1).astype(np.int32)


def recency(users: NDArray[np.int32], parameters: Parameters) -> NDArray[np.float32]:
    """Return the weight of each interaction float32[n]: decay ** (how many came after it)."""
    ends = np.searchsorted(users, users, side="right")
    after = ends - 1 - np.arange(len(users))
    weights = parameters["decay"] ** after.astype(np.float64)
    return np.where(after < parameters["window"], weights, 0.0).astype(np.float32)


def ndcg_10(found: NDArray[np.int32], log: Log) -> float:
    """Return NDCG@10, the mean over the users with anything in ``log``."""
    n_users = len(found)
    consumed = _matrix(log, np.ones(len(log.items), np.float32), (n_users, 1 + int(found.max())))
    discounts = 1.0 / np.log2(np.arange(2, 12))
    ideal = np.concatenate(([1.0], np.cumsum(discounts)))
    counts = np.bincount(log.users, minlength=n_users)
    top = found[:, :10]
    hits = np.asarray(consumed[np.arange(n_users)[:, None], np.maximum(top, 0)].todense())
    gains = (hits * (top >= 0) * discounts[: top.shape[1]]).sum(axis=1)
    judged = counts > 0
    return float((gains[judged] / ideal[np.minimum(counts[judged], 10)]).mean())


def _matrix(log: Log, weights: NDArray[np.float32], shape: tuple[int, int]) -> csr_matrix:
    kept = (log.items < shape[1]) & (weights != 0)
    return csr_matrix((weights[kept], (log.users[kept], log.items[kept])), shape)
