"""Item embeddings by implicit alternating least squares."""

import numpy as np
from numpy.typing import NDArray

from training.constants import DIMENSIONS, REGULARISATION, SWEEPS, UNSEEN_WEIGHT
from training.interactions import Interactions

type _Factors = NDArray[np.float64]


def item_embeddings(interactions: Interactions, n_items: int, seed: int) -> NDArray[np.float32]:
    """Return float32[n_items, 32], such that a user is the weighted sum of the items consumed.

    iALS (Hu, Koren, Volinsky, ICDM 2008) with a regularisation that grows with each row's count
    (Rendle et al., RecSys 2022). A user's exact vector solves (w Y'Y + S + r I) u = sum of y over
    the items consumed, where S belongs to these items alone; without S, u is linear in the
    history and the inverse of the rest can be divided evenly between u and Y by its Cholesky
    factor. That costs no accuracy that we could measure and makes folding in one small product.
    Items that nobody consumed are all zero.
    """
    users, items = interactions.users, interactions.items
    rng = np.random.default_rng(seed)
    seen = np.bincount(items, minlength=n_items) > 0
    of_items = rng.normal(0.0, 0.1 / np.sqrt(DIMENSIONS), (n_items, DIMENSIONS)) * seen[:, None]
    for _ in range(SWEEPS):
        of_users = _solve(users, items, of_items, interactions.n_users)
        of_items = _solve(items, users, of_users, n_items)
    return folded_in(of_items, interactions)


def folded_in(of_items: _Factors, interactions: Interactions) -> NDArray[np.float32]:
    """Turn the factors float[n_items, d] of such a model into embeddings float32[n_items, d]."""
    typical = len(interactions) / max(interactions.n_users, 1)
    system = np.linalg.inv(_prior(of_items, typical))
    embeddings: NDArray[np.float32] = (of_items @ np.linalg.cholesky(system)).astype(np.float32)
    return embeddings


def _solve(
    rows: NDArray[np.int32], columns: NDArray[np.int32], other: _Factors, n_rows: int
) -> _Factors:
    """Return the factors of one side, given the other side's: one least-squares problem a row."""
    order = np.argsort(rows, kind="stable")
    offsets = np.searchsorted(rows[order], np.arange(n_rows + 1))
    columns = columns[order]
    plain, slope = _prior(other, 0.0), REGULARISATION * np.eye(other.shape[1])
    factors = np.zeros((n_rows, other.shape[1]))
    for row in np.flatnonzero(np.diff(offsets)):
        own = other[columns[offsets[row] : offsets[row + 1]]]
        system = plain + own.T @ own + slope * len(own)
        factors[row] = np.linalg.solve(system, (1.0 + UNSEEN_WEIGHT) * own.sum(axis=0))
    return factors


def _prior(other: _Factors, count: float) -> _Factors:
    """Return what a row with this many interactions has in common with all other such rows."""
    regularisation = REGULARISATION * (count + UNSEEN_WEIGHT * len(other))
    return UNSEEN_WEIGHT * other.T @ other + regularisation * np.eye(other.shape[1])
