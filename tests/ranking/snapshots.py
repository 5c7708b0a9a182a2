"""Small snapshots and contexts made by hand, for the tests of the pure stages."""

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from features.types import Context, Live, Rows, Scores
from ranking.catalogue import Catalogue
from ranking.columns import ItemLayout, ranker_columns
from ranking.segments import Segments
from ranking.snapshot import Snapshot

SCHEMAS: dict[str, Any] = {
    "item": {
        "name": "item",
        "version": 1,
        "features": [
            {"name": "year", "dtype": "float32", "shape": [], "default": 1990.0},
            {"name": "genre", "dtype": "float32", "shape": [3], "labels": ["a", "b", "c"]},
        ],
    },
    "user": {"name": "user", "version": 1, "features": [{"name": "age"}, {"name": "tenure"}]},
}
ITEM_COLUMNS = ("year", "genre=a", "genre=b", "genre=c")
USER_COLUMNS = ("age", "tenure")
COLUMNS = ranker_columns(ITEM_COLUMNS, USER_COLUMNS, ItemLayout.of(SCHEMAS["item"]))


class Indifferent:
    """Scores every row 0, and asks for the columns it is given."""

    rows_per_block = 1

    def __init__(self, columns: tuple[str, ...] = COLUMNS) -> None:
        self.columns = columns

    def __call__(self, rows: Rows) -> Scores:
        return np.zeros(len(rows), dtype=np.float32)


def snapshot(n_items: int = 50, seed: int = 0, **changes: Any) -> Snapshot:
    """Return a random snapshot; changes replace fields of it."""
    rng = np.random.default_rng(seed)
    neighbours = np.stack([rng.permutation(n_items)[:5] for _ in range(n_items)]).astype(np.int32)
    neighbour_scores = -np.sort(-rng.random((n_items, 5)), axis=1).astype(np.float32)
    neighbours[::7, 3:] = -1
    neighbour_scores[::7, 3:] = 0.0
    rows = np.concatenate(
        (rng.integers(1930, 2000, (n_items, 1)), rng.integers(0, 2, (n_items, 3))), axis=1
    )
    made = Snapshot(
        version="made by hand",
        catalogue=Catalogue(tuple(map(str, range(n_items))), ({},) * n_items),
        embeddings=rng.normal(size=(n_items, 8)).astype(np.float32),
        neighbours=neighbours,
        neighbour_scores=neighbour_scores,
        popularity=rng.random(n_items).astype(np.float32),
        item_rows=rows.astype(np.float32),
        item_columns=ITEM_COLUMNS,
        user_columns=USER_COLUMNS,
        schemas=SCHEMAS,
        scorer=Indifferent(),
    )
    return replace(made, **changes) if changes else made


def segments(n_items: int = 50, seed: int = 0, **changes: Any) -> Segments:
    """Return random segments of the users: three bands of age and three of tenure."""
    rng = np.random.default_rng(seed)
    given = {
        "edges": np.array([[30.0, 50.0], [1.0, 3.0]], np.float32),
        "items": np.arange(n_items, dtype=np.int64),
        "logs": rng.normal(size=(7, n_items)).astype(np.float32),
        "numbers": ordinals(0, 1),
        "attributes": ordinals(),
    }
    return Segments(**{**given, **changes})


def live(n_items: int = 50, seed: int = 0) -> Live:
    """Return random counts of late: every third item has a trend."""
    rng = np.random.default_rng(seed)
    trend = np.where(np.arange(n_items) % 3 == 0, rng.random(n_items), 0.0).astype(np.float32)
    ranked = np.argsort(-trend, kind="stable")
    counts = rng.integers(0, 50, (3, n_items)).astype(np.float32)
    return Live(counts, counts // 3, trend, ranked[trend[ranked] > 0])


def rich(n_items: int = 500, seed: int = 0) -> Snapshot:
    """Return a random snapshot that knows when items were new and what segments like."""
    added = np.random.default_rng(seed).integers(0, 10**12, n_items)
    return snapshot(n_items, seed, added_ms=added, segments=segments(n_items, seed))


def context(*history: int, exclude: tuple[int, ...] = ()) -> Context:
    """Return the context of someone who consumed these items, the most recent first."""
    return Context(
        user_row=np.array([30.0, 2.0], dtype=np.float32),
        known=True,
        history=ordinals(*history),
        exclude=ordinals(*exclude),
    )


def ordinals(*items: int) -> NDArray[np.int64]:
    return np.array(items, dtype=np.int64)
