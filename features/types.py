"""The values that flow along the pipeline's arrows: frozen and columnar.

    HTTP body -> Query -> Context -> Candidates -> FeatureBlock -> Scores -> Slate -> HTTP body

Nothing here is updated in place: each stage reads the values before it and returns a new one.
An *item* inside the pipeline is its ordinal in the catalogue (``int64``); the strings that
clients use live at the two ends only.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

type Items = NDArray[np.int64]
"""Catalogue ordinals, shape [n]."""

type Rows = NDArray[np.float32]
"""Feature rows, shape [n, f], C-contiguous."""

type Scores = NDArray[np.float32]
"""One score per row, shape [n]; higher is better."""

type Mask = NDArray[np.bool_]
"""One truth value per row or per catalogue item."""


@dataclass(frozen=True, slots=True)
class Query:
    """What the client asked for, validated and with every default filled in.

    Ids are the client's strings (1-128 characters). ``candidates`` is empty unless the client
    brings its own (`/v1/rank`). ``diversity`` is MMR's 1 - lambda, 0 (relevance only) to 1.
    ``filter`` is the client's rule for what may be shown (docs/filters.md), not yet read.
    ``deadline_ms`` counts from the arrival of the request.
    """

    user_id: str | None = None
    session: tuple[str, ...] = ()
    seed_items: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    candidates: tuple[str, ...] = ()
    filter: str | None = None
    limit: int = 20
    diversity: float = 0.3
    deadline_ms: float = 50.0


@dataclass(frozen=True, slots=True)
class Context:
    """What is known of the asker at this moment.

    ``user_row`` is float32[u] (schema defaults for a stranger), ``known`` tells whether the row
    was stored. ``history`` holds the items consumed, most recent first, session and seed items
    ahead of the stored ones, unknown ids dropped, without duplicates: int64[h].
    ``exclude`` holds what must not be shown besides: int64[e]. ``hidden`` is bool[n_items], True
    for each item that the request's filter does not let pass; None where it has none.
    """

    user_row: NDArray[np.float32]
    known: bool
    history: Items
    exclude: Items
    hidden: Mask | None = None


@dataclass(frozen=True, slots=True)
class Candidates:
    """The merged result of the retrieval sources: no duplicates, ascending ordinals.

    ``items`` is int64[n]. ``scores`` is float32[n, s], one column per source in
    `ranking.retrieval.SOURCES` order, NaN where that source did not offer the item.
    ``because`` is int64[n]: the history item that speaks most for the candidate, or -1.
    """

    items: Items
    scores: NDArray[np.float32]
    because: Items


@dataclass(frozen=True, slots=True)
class FeatureBlock:
    """One row of features per candidate, in the candidates' order.

    ``rows`` is float32[n, f] with the columns the scorer was trained on; ``present`` is bool[n],
    False where the item's stored row was missing and the schema's defaults stand in.
    """

    items: Items
    rows: Rows
    present: Mask


@dataclass(frozen=True, slots=True)
class Slate:
    """What goes out, best first: the picked rows of a FeatureBlock.

    ``picks`` is int64[k], indices into the candidates; ``scores`` float32[k] are the scorer's.
    """

    picks: NDArray[np.int64]
    scores: Scores
