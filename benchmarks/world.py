"""The standard work's data: a catalogue with 64 features an item, and a forest trained on it.

Everything follows from a seed. The catalogue is published as an artifact for Braid, and as the
plain files and keys that a team without Braid would keep.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import lightgbm
import numpy as np
import redis
from numpy.typing import NDArray

from benchmarks.forest import Case, draw
from features.schema import Feature, Schema
from features.types import Rows
from ranking.artifact import read_store
from ranking.catalogue import Catalogue
from ranking.scorers import ForestScorer
from ranking.snapshot import Snapshot
from service.load import load
from training.datasets import Dataset
from training.interactions import Interactions
from training.publish import publish

FEATURES, LEAVES, DIMENSIONS = 64, 63, 64
USERS, EVENTS_PER_USER = 200, 30
NAMES = tuple(f"f{j:02}" for j in range(FEATURES))
PEER_KEY = "feature:"
KEYS_PER_ROUND_TRIP = 1000


@dataclass(frozen=True)
class World:
    """Where the artifact and the peers' files are, and the arrays they were made from."""

    folder: Path
    artifact: Path
    ids: tuple[str, ...]
    rows: Rows
    embeddings: NDArray[np.float32]
    model_text: str


def build(folder: Path, items: int, trees: int, *, labelled: bool = False) -> World:
    """Draw a catalogue, train a LambdaMART forest of 63 leaves a tree, write both forms.

    ``labelled`` items have a genre and a year, besides their titles.
    """
    rng = np.random.default_rng(1)
    rows = draw(Case("catalogue", FEATURES, items, structured=True), items, seed=2)
    clusters = rng.normal(size=(50, DIMENSIONS))
    embeddings = clusters[rng.integers(0, 50, items)] + 0.7 * rng.normal(size=(items, DIMENSIONS))
    ids = tuple(f"item-{item:07}" for item in range(items))
    text = train(rows, trees)
    dataset = _dataset(ids, rows, rng, labelled=labelled)
    snapshot = _snapshot(dataset, embeddings.astype(np.float32), text, rng)
    artifact = publish(folder / "artifacts", dataset, dataset.interactions, snapshot, text)
    _write_for_peers(folder, snapshot, text)
    return World(folder, artifact, ids, rows, snapshot.embeddings, text)


def train(rows: Rows, trees: int, taste: int = 3) -> str:
    """Train on graded relevance that a few columns and a product of two explain; give the text.

    Another ``taste`` weighs the columns otherwise.
    """
    rng = np.random.default_rng(taste)
    sample = rows[rng.integers(0, len(rows), 20_000)]
    signal = (sample - sample.mean(axis=0)) / (sample.std(axis=0) + 1e-6)
    worth = signal[:, :10] @ rng.normal(size=10) + 2 * signal[:, 1] * signal[:, 3]
    worth += 2 * rng.normal(size=len(sample))
    grades = np.digitize(worth, np.quantile(worth, [0.6, 0.8, 0.95]))
    options = {
        "objective": "lambdarank",
        "num_leaves": LEAVES,
        "verbose": -1,
        "seed": 4,
        "num_threads": 1,
    }
    names = [f"item.{name}" for name in NAMES]
    groups = [50] * (len(sample) // 50)
    data = lightgbm.Dataset(sample, grades, group=groups, feature_name=names)
    return str(lightgbm.train(options, data, trees).model_to_string())


def fill(world: World, client: redis.Redis) -> None:
    """Put the catalogue into Redis: Braid's rows, and plain 256-byte values for the peers."""
    load(client, read_store(world.artifact), 1000, lambda *_: None)
    plain = np.ascontiguousarray(world.rows, "<f4")
    for start in range(0, len(world.ids), KEYS_PER_ROUND_TRIP):
        stop = min(start + KEYS_PER_ROUND_TRIP, len(world.ids))
        client.mset({PEER_KEY + world.ids[i]: plain[i].tobytes() for i in range(start, stop)})


def _dataset(
    ids: tuple[str, ...], rows: Rows, rng: np.random.Generator, *, labelled: bool
) -> Dataset:
    n = USERS * EVENTS_PER_USER
    interactions = Interactions.of(
        np.repeat(np.arange(USERS, dtype=np.int32), EVENTS_PER_USER),
        rng.integers(0, len(ids), n).astype(np.int32),
        rng.integers(1_700_000_000_000, 1_790_000_000_000, n),
        USERS,
    )
    return Dataset(
        name="synthetic",
        catalogue=Catalogue(ids, tuple(_properties(ids, labelled))),
        user_ids=tuple(f"user-{user}" for user in range(USERS)),
        interactions=interactions,
        item_schema=Schema("item", 1, tuple(Feature(name) for name in NAMES)),
        item_rows=rows,
        user_schema=Schema("user", 1, (Feature("age"),)),
        user_rows=rng.uniform(18, 80, (USERS, 1)).astype(np.float32),
    )


def _properties(ids: tuple[str, ...], labelled: bool) -> Iterator[dict[str, Any]]:
    """Make up what is shown of each item."""
    for number, item in enumerate(ids):
        shown: dict[str, Any] = {"title": f"Title of {item}"}
        if labelled:
            shown |= {"genre": [f"g{number % 18}", f"g{number % 7}"], "year": 1950 + number % 76}
        yield shown


def _snapshot(
    dataset: Dataset, embeddings: NDArray[np.float32], text: str, rng: np.random.Generator
) -> Snapshot:
    n = len(dataset.catalogue)
    return Snapshot(
        version="unpublished",
        catalogue=dataset.catalogue,
        embeddings=embeddings,
        neighbours=rng.integers(0, n, (n, 20)).astype(np.int32),
        neighbour_scores=-np.sort(-rng.random((n, 20), dtype=np.float32), axis=1),
        popularity=rng.random(n, dtype=np.float32),
        item_rows=dataset.item_rows,
        item_columns=dataset.item_schema.columns,
        user_columns=dataset.user_schema.columns,
        schemas=dataset.schemas,
        scorer=ForestScorer.load(text),
    )


def _write_for_peers(folder: Path, snapshot: Snapshot, text: str) -> None:
    (folder / "model.txt").write_text(text)
    (folder / "ids.json").write_text(json.dumps(snapshot.catalogue.ids))
    np.save(folder / "directions.npy", snapshot.directions)
