"""New items, before anybody has consumed them: embeddings learnt from what is like them."""

from typing import Final

import numpy as np
from numba import types
from numpy.typing import NDArray

from features.kernels import inputs, kernel, output
from features.types import Items, Rows, Scores
from ranking.scan.stride import even_stride
from ranking.snapshot import Snapshot
from ranking.topk import top_k

LIKE: Final = 30
"""How many known items a new one is the mean of."""
KNOWN: Final = 4096
"""How many known items are looked at; more of them make an even sample."""
SOFTNESS: Final = 0.1
"""Added to a squared distance, so that one exact double does not decide alone."""
FARTHEST: Final = 3.0
"""Standard deviations that a number counts from the mean at most: one wild price is no taste."""

type Floats = NDArray[np.float32]


def embed_like(rows: Rows, snapshot: Snapshot) -> Floats:
    """Return float32[m, d]: for each new item a mean of the embeddings of items like it.

    ``rows`` are float32[m, w], laid out as the snapshot's item rows. The mean is over the 30
    items with the nearest attributes and numbers, weighted by 1 / (squared distance + 0.1): the
    k-nearest-neighbour mapping of attributes to factors (Gantner et al., ICDM 2010, 4.1).
    Attributes are scaled to unit length and numbers to unit variance; what is not finite
    counts as the mean. An item's vector depends on its own row alone, whatever else comes with
    it. All zeros where no item has an embedding yet.
    """
    known = _known(snapshot)
    embeddings = np.zeros((len(rows), snapshot.embeddings.shape[1]), np.float32)
    if not len(known):
        return embeddings
    numbers = snapshot.layout.numbers
    means, deviations = _spread(snapshot.item_rows[known][:, numbers])
    of_known = _scaled(snapshot.item_rows[known], snapshot, means, deviations)
    columns = np.ascontiguousarray(of_known.T)
    distances = np.empty(len(known), np.float32)
    like = LIKE if len(columns) else len(known)
    for place, own in enumerate(_scaled(rows, snapshot, means, deviations)):
        measure(columns, own, distances)
        nearest = top_k(-distances, like)
        weights = 1.0 / (distances[nearest].astype(np.float64) + SOFTNESS)
        embeddings[place] = weights / weights.sum() @ snapshot.embeddings[known[nearest]]
    return embeddings


def _known(snapshot: Snapshot) -> Items:
    """Return items with a learnt embedding, at most `KNOWN`, spread evenly over all of them."""
    learnt = len(snapshot.embeddings) - snapshot.upserted
    known = np.flatnonzero(snapshot.embeddings[:learnt].any(axis=1))
    if len(known) > KNOWN:
        known = np.sort(known[np.arange(KNOWN) * even_stride(len(known)) % len(known)])
    return known


def _spread(numbers: Rows) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the means and the standard deviations float64[*] of the finite numbers."""
    numbers = np.where(np.isfinite(numbers), numbers, np.nan).astype(np.float64)
    counts = np.maximum(np.isfinite(numbers).sum(axis=0), 1)
    means = np.nansum(numbers, axis=0) / counts
    return means, np.sqrt(np.nansum((numbers - means) ** 2, axis=0) / counts)


def _scaled(
    rows: Rows,
    snapshot: Snapshot,
    means: NDArray[np.float64],
    deviations: NDArray[np.float64],
) -> Floats:
    """Return float32[n, w] in which distances mean likeness; a constant number is 0."""
    numbers = rows[:, snapshot.layout.numbers].astype(np.float64)
    gaps = np.where(np.isfinite(numbers) & (deviations > 0), numbers - means, 0.0)
    gaps = np.clip(gaps / np.where(deviations > 0, deviations, 1.0), -FARTHEST, FARTHEST)
    attributes = np.nan_to_num(rows[:, snapshot.layout.attributes], posinf=0.0, neginf=0.0)
    lengths = np.sqrt((attributes.astype(np.float64) ** 2).sum(axis=1, keepdims=True))
    scaled = np.hstack((gaps, attributes / np.where(lengths > 0, lengths, 1.0)))
    return np.ascontiguousarray(scaled, np.float32)


@kernel(inputs(types.float32, 2), inputs(types.float32), output(types.float32))
def measure(columns: Floats, row: Floats, distances: Scores) -> None:
    """Write to float32[n] the squared distance of float32[w] to each column of float32[w, n]."""
    distances[:] = 0.0
    for feature in range(len(row)):
        for place in range(len(distances)):
            gap = columns[feature, place] - row[feature]
            distances[place] += gap * gap
