"""The pure stages in plain numpy: what the kernels are compared with, in tests and benchmarks."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from features.types import Candidates, Context, FeatureBlock, Items, Live, Mask, Rows, Scores
from ranking.columns import SOURCE_NAMES
from ranking.rerank import mmr
from ranking.rerank.ramp import RAMP
from ranking.retrieval import OPINIONS, Found
from ranking.retrieval.found import NOTHING
from ranking.retrieval.recency import recent
from ranking.snapshot import Snapshot
from ranking.topk import Picks, top_k


def best(scores: Scores, blocked: Mask, k: int) -> Found:
    """Return the k best scores: no blocked item, no NaN, no -inf, ties by the lower ordinal."""
    items = np.flatnonzero(~blocked & (scores > -np.inf))
    items = items[np.argsort(-scores[items], kind="stable")][:k]
    return Found(items, scores[items])


def votes(context: Context, snapshot: Snapshot) -> tuple[Items, NDArray[np.float64]]:
    """Return who has votes, ascending, and how many."""
    recent_items, weights = recent(context)
    items = np.maximum(snapshot.neighbours[recent_items].ravel(), 0)  # padding votes 0 for item 0
    cast = (snapshot.neighbour_scores[recent_items] * weights[:, None]).ravel()
    per_item = np.bincount(items, cast)
    voted = np.flatnonzero(per_item)
    return voted, per_item[voted]


def cooccurrence(context: Context, snapshot: Snapshot, blocked: Mask, k: int) -> Found:
    """Retrieve by votes."""
    if not len(context.history):
        return NOTHING
    voted, total = votes(context, snapshot)
    found = best(total.astype(np.float32), blocked[voted], k)
    return Found(voted[found.items], found.scores)


def voted(context: Context, snapshot: Snapshot, items: Items) -> Scores:
    """Return the votes for each item."""
    if not len(context.history):
        return np.zeros(len(items), np.float32)
    who, total = votes(context, snapshot)
    place = np.searchsorted(who, items)
    hit = np.append(who, -1)[place] == items
    return np.where(hit, np.append(total, 0.0)[place], 0.0).astype(np.float32)


def popularity(_: Context, snapshot: Snapshot, blocked: Mask, k: int) -> Found:
    """Retrieve the most popular."""
    head = snapshot.popular[: k + int(np.count_nonzero(blocked))]
    items = head[~blocked[head]][:k]
    return Found(items, snapshot.popularity[items])


def merge(context: Context, snapshot: Snapshot, found: Sequence[Found]) -> Candidates:
    """Unite the offers."""
    items = np.unique(np.concatenate([offer.items for offer in found]))
    scores = np.full((len(items), len(found)), np.nan, dtype=np.float32)
    for column, offer in enumerate(found):
        scores[np.searchsorted(items, offer.items), column] = offer.scores
    return Candidates(items, scores, because(context, snapshot, items))


def appraise(context: Context, snapshot: Snapshot, items: Items) -> Candidates:
    """Make candidates of the caller's items."""
    items = np.unique(items)
    scores = [score(context, snapshot, items) for score in OPINIONS.values()]
    return Candidates(items, np.stack(scores, axis=1), because(context, snapshot, items))


def because(context: Context, snapshot: Snapshot, items: Items) -> Items:
    """Name the recent item with the largest share in each item's vector score."""
    recent_items, weights = recent(context)
    if not len(recent_items) or not len(items):
        return np.full(len(items), -1, dtype=np.int64)
    shares = snapshot.embeddings[items] @ (snapshot.embeddings[recent_items] * weights[:, None]).T
    speaker = shares.argmax(axis=1)
    speaks = shares[np.arange(len(items)), speaker] > 0
    return np.where(speaks, recent_items[speaker], -1)


def assemble(
    context: Context, candidates: Candidates, item_rows: Rows, present: Mask, snapshot: Snapshot
) -> FeatureBlock:
    """Make the groups of columns of which the scorer wants any, and take those."""
    item_rows = _finite(item_rows)
    users = len(context.user_row)
    groups: list[tuple[int, Callable[[], Rows]]] = [
        (2 * len(SOURCE_NAMES), lambda: _opinions(context, candidates, snapshot)),
        (7, lambda: _taste(context, candidates, item_rows, snapshot)),
        (len(snapshot.layout.numbers), lambda: _gaps(context, item_rows, snapshot)),
        (item_rows.shape[1], lambda: item_rows),
        (users, lambda: np.broadcast_to(context.user_row, (len(item_rows), users))),
    ]
    places = np.array([snapshot.columns.index(name) for name in snapshot.scorer.columns])
    rows = np.empty((len(item_rows), len(places)), dtype=np.float32)
    low = 0
    for length, make in groups:
        target = np.flatnonzero((low <= places) & (places < low + length))
        if len(target):
            rows[:, _sliced(target)] = make()[:, _sliced(places[target] - low)]
        low += length
    return FeatureBlock(candidates.items, _finite(rows), present)


def _sliced(indices: NDArray[np.int64]) -> slice | NDArray[np.int64]:
    """Return consecutive indices as a slice, which numpy copies several times faster."""
    first, count = int(indices[0]), len(indices)
    if np.array_equal(indices, np.arange(first, first + count)):
        return slice(first, first + count)
    return indices


def _finite(rows: Rows) -> Rows:
    if np.isfinite(rows).all():
        return rows
    return np.nan_to_num(rows, nan=0.0, posinf=0.0, neginf=0.0)


def _opinions(context: Context, candidates: Candidates, snapshot: Snapshot) -> Rows:
    out = np.empty((len(candidates.items), 2 * len(SOURCE_NAMES)), dtype=np.float32)
    for column, opinion in enumerate(OPINIONS.values()):
        scores = opinion(context, snapshot, candidates.items)
        out[:, column] = scores
        out[:, len(SOURCE_NAMES) + column] = ranks(scores)
    return out


def ranks(scores: Scores) -> NDArray[np.int64]:
    """Return each score's place, 0 for the best; ties in the order given."""
    order = np.argsort(-scores, kind="stable")
    found = np.empty_like(order)
    found[order] = np.arange(len(order))
    return found


def _taste(context: Context, candidates: Candidates, item_rows: Rows, snapshot: Snapshot) -> Rows:
    out = np.zeros((len(candidates.items), 7), dtype=np.float32)
    history, (last, weights) = context.history, recent(context)
    if not len(history) or not len(candidates.items):
        return out
    alike = np.full(len(history), 1.0 / len(history), dtype=np.float32)
    directions = snapshot.directions[candidates.items]
    cosines = directions @ snapshot.directions[last].T
    place = cosines.argmax(axis=1)
    out[:, 0] = cosines[:, 0]
    out[:, 1] = cosines[np.arange(len(place)), place]
    out[:, 2] = place
    out[:, 3] = directions @ (alike @ snapshot.directions[history])
    has = item_rows[:, snapshot.layout.attributes]
    share = has / np.maximum(has.sum(axis=1, keepdims=True), 1.0)
    out[:, 4] = share @ (weights @ snapshot.attributes[last])
    out[:, 5] = share @ (alike @ snapshot.attributes[history])
    out[:, 6] = np.log1p(len(history))
    return out


def _gaps(context: Context, item_rows: Rows, snapshot: Snapshot) -> Rows:
    numbers: Rows = item_rows[:, snapshot.layout.numbers]
    last, weights = recent(context)
    if not len(last):
        return np.zeros_like(numbers)
    return numbers - weights @ snapshot.numbers[last]


def fill(
    items: Items,
    scores: Scores,
    directions: NDArray[np.float32],
    limit: int,
    diversity: float,
    depth: int,
    above: int = 0,
) -> Picks:
    """Fill the slate step by step."""
    found = top_k(scores, depth)
    found = found[np.isfinite(scores[found])]
    vectors = directions[items[found]]
    picks: Picks = found[mmr(scores[found], vectors, limit, diversity, RAMP, above)]
    return picks


def fuse(candidates: Candidates, weights: Mapping[str, float]) -> Scores:
    """Fuse the sources' rankings; a source without a weight has the say 1."""
    names = candidates.sources or SOURCE_NAMES
    say = np.array([weights.get(name, 1.0) for name in names])
    offered = ~np.isnan(candidates.scores)
    ranks = np.argsort(np.argsort(-candidates.scores, axis=0, kind="stable"), axis=0)
    votes = np.where(offered, say / (61.0 + ranks), 0.0)
    total = np.zeros(len(votes))
    for column in votes.T:  # `sum` adds in another order where there are many
        total += column
    return total.astype(np.float32)


def lighten(candidates: Candidates, keep: int, weights: Mapping[str, float]) -> Candidates:
    """Keep the best of the fused rankings."""
    picks = np.sort(np.argsort(-fuse(candidates, weights), kind="stable")[:keep])
    return replace(
        candidates,
        items=candidates.items[picks],
        scores=candidates.scores[picks],
        because=candidates.because[picks],
    )


def blend(values: NDArray[np.float32], weights: NDArray[np.float64]) -> Scores:
    """Add up standardised objectives; all values are finite."""
    wide = values.astype(np.float64)
    spread = wide.std(axis=1, keepdims=True)
    z = np.divide(wide - wide.mean(axis=1, keepdims=True), spread, where=spread > 0, out=0 * wide)
    total: Scores = (weights @ z).astype(np.float32)
    return total


def live_columns(live: Live, items: Items) -> Rows:
    """Return float32[n, 3 w + 1]: log counts and rates over each window, and the log trend."""
    shown, clicked = live.impressions[:, items], live.clicks[:, items]
    rate = np.minimum((clicked + 1) / (shown + 20), 1)
    groups = (np.log1p(shown), np.log1p(clicked), rate, np.log1p(live.trend[None, items]))
    return np.concatenate(groups).T.astype(np.float32)


def fresh_columns(context: Context, item_rows: Rows, snapshot: Snapshot) -> Rows:
    """Return float32[n, 4]: idle hours and session as logs, attributes by session and by week."""
    out = np.zeros((len(item_rows), 4), np.float32)
    ages = context.ages_s
    if not len(ages):
        return out
    has = _finite(item_rows[:, snapshot.layout.attributes])
    share = has / np.maximum(has.sum(axis=1, keepdims=True), 1.0)
    past, session = snapshot.attributes[context.history], ages <= 1800
    weights = 0.5 ** ((ages - ages.min()).astype(np.float64) / (7 * 86_400))
    out[:, 0] = np.log1p(ages.min() / 3600)
    out[:, 1] = np.log1p(session.sum())
    out[:, 2] = share @ past[session].mean(axis=0) if session.any() else 0.0
    out[:, 3] = share @ (weights / weights.sum() @ past)
    return out
