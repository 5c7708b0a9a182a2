"""Item embeddings by PureSVD."""

from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix
from scipy.sparse.linalg import svds

from training.interactions import Interactions

DIMENSIONS: Final = 32


def pure_svd(interactions: Interactions, n_items: int, seed: int) -> NDArray[np.float32]:
    """Return item embeddings float32[n_items, 32]: the right singular vectors of users x items.

    PureSVD (Cremonesi, Koren, Turrin, RecSys 2010). The vectors are orthonormal, so any user,
    also one never seen, is folded in as the sum of the consumed items' embeddings. A matrix of
    lower rank fills the remaining columns with 0.
    """
    ones = np.ones(len(interactions))
    shape = (interactions.n_users, n_items)
    consumed = csr_matrix((ones, (interactions.users, interactions.items)), shape)
    embeddings = np.zeros((n_items, DIMENSIONS), dtype=np.float32)
    rank = min(DIMENSIONS, min(shape) - 1)
    if rank > 0 and len(interactions):
        start = np.random.default_rng(seed).standard_normal(min(shape))
        _, strengths, factors = svds(consumed, k=rank, v0=start)
        strongest_first = np.argsort(-strengths, kind="stable")
        factors[strengths <= 1e-9 * strengths.max()] = 0.0
        embeddings[:, :rank] = factors[strongest_first].T
    return embeddings
