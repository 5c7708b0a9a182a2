"""Each peer: the ranges of its parameters, and how it scores all items for all users."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

Parameters = Mapping[str, Any]
Scores = NDArray[np.float32]
Draw = Callable[[np.random.Generator], Any]


@dataclass(frozen=True, slots=True)
class Family:
    """A kind of recommender.

    ``score(consumed, queries, parameters, seed)`` learns from ``consumed`` csr[n_users, n_items],
    ones, and returns float[n_users, n_items] for the users whose histories are ``queries``, the
    same with weights. ``space`` says how each parameter is drawn. ``helped``: the queries weigh
    recent items more, which is this project's doing and none of the library's. ``needs`` is the
    module that must be there.
    """

    space: Mapping[str, Draw]
    score: Callable[[csr_matrix, csr_matrix, Parameters, int], Scores]
    helped: bool = False
    needs: str = "numpy"


def _between(low: float, high: float) -> Draw:
    return lambda rng: float(rng.uniform(low, high))


def _log(low: float, high: float) -> Draw:
    return lambda rng: float(np.exp(rng.uniform(np.log(low), np.log(high))))


def _one_of(*values: Any) -> Draw:
    return lambda rng: values[rng.integers(len(values))]


def _popularity(consumed: csr_matrix, queries: csr_matrix, _: Parameters, __: int) -> Scores:
    counts = np.asarray(consumed.sum(axis=0), np.float32)
    return np.repeat(counts, queries.shape[0], axis=0)


def _ease(consumed: csr_matrix, queries: csr_matrix, parameters: Parameters, _: int) -> Scores:
    """Score by EASE (Steck, WWW 2019): the closed form of a linear auto-encoder."""
    gram = (consumed.T @ consumed).toarray().astype(np.float64)
    gram[np.diag_indices_from(gram)] += parameters["regularisation"]
    inverse = np.linalg.inv(gram)
    weights = inverse / -np.diag(inverse)
    np.fill_diagonal(weights, 0.0)
    return np.asarray(queries @ weights.astype(np.float32))


def _als(consumed: csr_matrix, queries: csr_matrix, parameters: Parameters, seed: int) -> Scores:
    model = import_module("implicit.cpu.als").AlternatingLeastSquares(
        factors=parameters["factors"],
        regularization=parameters["regularization"],
        alpha=parameters["alpha"],
        iterations=parameters["iterations"],
        num_threads=1,
        random_state=seed,
    )
    model.fit(consumed, show_progress=False)
    of_users = model.recalculate_user(np.arange(queries.shape[0]), queries)
    return np.asarray(of_users @ model.item_factors.T)


def _bpr(consumed: csr_matrix, _: csr_matrix, parameters: Parameters, seed: int) -> Scores:
    model = import_module("implicit.cpu.bpr").BayesianPersonalizedRanking(
        factors=parameters["factors"],
        learning_rate=parameters["learning_rate"],
        regularization=parameters["regularization"],
        iterations=parameters["iterations"],
        num_threads=1,
        random_state=seed,
    )
    model.fit(consumed, show_progress=False)
    return np.asarray(model.user_factors @ model.item_factors.T)


def _knn(consumed: csr_matrix, queries: csr_matrix, parameters: Parameters, _: int) -> Scores:
    nearest = import_module("implicit.nearest_neighbours")
    if parameters["kind"] == "BM25":
        model = nearest.BM25Recommender(
            parameters["neighbours"], K1=parameters["k1"], B=parameters["b"], num_threads=1
        )
    else:
        kinds = {"cosine": nearest.CosineRecommender, "TF-IDF": nearest.TFIDFRecommender}
        model = kinds[parameters["kind"]](parameters["neighbours"], num_threads=1)
    model.fit(consumed, show_progress=False)
    return np.asarray((queries @ model.similarity).toarray())


_RECENCY = {"decay": _between(0.8, 0.99), "window": _one_of(16, 32, 64, 1000)}
_EASE = {"regularisation": _log(10, 5000)}
_ALS = {
    "factors": _one_of(16, 32, 64, 128),
    "regularization": _log(1e-3, 100),
    "alpha": _log(0.5, 40),
    "iterations": _one_of(10, 15, 30),
}
_BPR = {
    "factors": _one_of(16, 32, 64, 128),
    "learning_rate": _log(0.005, 0.2),
    "regularization": _log(1e-4, 0.1),
    "iterations": _one_of(50, 100, 200),
}
_KNN = {
    "kind": _one_of("cosine", "TF-IDF", "BM25"),
    "neighbours": _one_of(10, 20, 50, 100, 200, 500),
    "k1": _log(0.1, 100),
    "b": _between(0.0, 1.0),
}

FAMILIES: dict[str, Family] = {
    "popularity, all time": Family({}, _popularity),
    "item-kNN (implicit)": Family(_KNN, _knn, needs="implicit"),
    "ALS (implicit)": Family(_ALS, _als, needs="implicit"),
    "BPR (implicit)": Family(_BPR, _bpr, needs="implicit"),
    "EASE": Family(_EASE, _ease),
    "item-kNN, recency": Family({**_KNN, **_RECENCY}, _knn, helped=True, needs="implicit"),
    "ALS, recency": Family({**_ALS, **_RECENCY}, _als, helped=True, needs="implicit"),
    "EASE, recency": Family({**_EASE, **_RECENCY}, _ease, helped=True),
}
