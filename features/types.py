"""The values that flow along the pipeline's arrows: frozen and columnar.

    HTTP body -> Query -> Context -> Candidates -> FeatureBlock -> Scores -> Slate -> HTTP body

Nothing here is updated in place: each stage reads the values before it and returns a new one.
An *item* inside the pipeline is its ordinal in the catalogue (``int64``); the strings that
clients use live at the two ends only.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

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
    ``deadline_ms`` counts from the arrival of the request. ``pins`` are item ids by place, from
    0; ``boosts`` are factors by ``"column:label"``. ``seed`` decides every draw: the same query
    with the same seed gives the same slate of the same snapshot. ``shown`` are the items of the
    pages before this one.
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
    pins: Mapping[int, str] = field(default_factory=dict)
    boosts: Mapping[str, float] = field(default_factory=dict)
    seed: int = 0
    shown: tuple[str, ...] = ()


def _none() -> NDArray[np.float32]:
    return np.empty(0, np.float32)


def _no_items() -> Items:
    return np.empty(0, np.int64)


@dataclass(frozen=True, slots=True)
class Live:
    """What all users did of late, per item: counted from events, a new value every moment.

    ``impressions`` and ``clicks`` are float32[w, n_items], how often each item was shown and
    chosen within each window of `features.live.WINDOWS_S`. ``trend`` is float32[n_items], weighted
    interactions that lose half their weight in an hour; ``trending`` is int64[m], the ordinals
    with any, highest first.
    """

    impressions: NDArray[np.float32]
    clicks: NDArray[np.float32]
    trend: NDArray[np.float32]
    trending: Items


@dataclass(frozen=True, slots=True)
class Context:
    """What is known at this moment, of the asker and of what is going on.

    ``user_row`` is float32[u] (schema defaults for a stranger), ``known`` tells whether the row
    was stored. ``history`` holds the items consumed, most recent first, session and seed items
    ahead of the stored ones, unknown ids dropped, without duplicates: int64[h].
    ``exclude`` holds what must not be shown besides: int64[e]. ``hidden`` is bool[n_items], True
    for each item that the request's filter does not let pass; None where it has none. ``ages_s`` is
    float32[h], how long ago each interaction of the history was, 0 for the session and seed items;
    ``times`` is float32[h], how often, where that is asked for. ``served`` is int64[s], what the
    user was shown lately, latest first, repeats kept, and ``served_ages_s`` float32[s] how long
    ago. ``live`` is None where nothing is counted (in training, and before the first event).
    ``now_s`` is seconds since the epoch, ``seed`` the request's.
    """

    user_row: NDArray[np.float32]
    known: bool
    history: Items
    exclude: Items
    hidden: Mask | None = None
    ages_s: NDArray[np.float32] = field(default_factory=_none)
    times: NDArray[np.float32] = field(default_factory=_none)
    served: Items = field(default_factory=_no_items)
    served_ages_s: NDArray[np.float32] = field(default_factory=_none)
    live: Live | None = None
    now_s: float = 0.0
    seed: int = 0


@dataclass(frozen=True, slots=True)
class Candidates:
    """The merged result of the retrieval sources: no duplicates, ascending ordinals.

    ``items`` is int64[n]. ``scores`` is float32[n, s], one column per source in the order of
    ``sources``, NaN where that source did not offer the item.
    ``because`` is int64[n]: the history item that speaks most for the candidate, or -1.
    """

    items: Items
    scores: NDArray[np.float32]
    because: Items
    sources: tuple[str, ...] = ()


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
    ``moves`` says of each pick why it stands where it does: "" by its score, else the rule's name
    ("pin", "promotion", "explore", "calibration"). ``relaxed`` names the rules that could not be
    kept.
    """

    picks: NDArray[np.int64]
    scores: Scores
    moves: tuple[str, ...] = ()
    relaxed: tuple[str, ...] = ()
