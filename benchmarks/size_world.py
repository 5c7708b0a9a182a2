"""An artifact of any number of items, written block by block: it is never in memory as a whole."""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

import numpy as np
from msgspec import to_builtins
from numpy.typing import NDArray

from features.schema import Feature, Schema
from ranking.columns import ItemLayout, ranker_columns
from ranking.manifest import FORMAT, digest
from ranking.scorers.linear import LinearScorer

DIMENSIONS: Final = 64
NEIGHBOURS: Final = 10
FEATURES: Final = 16
USERS, EVENTS_PER_USER = 1000, 20
BLOCK: Final = 1 << 18
CLUSTERS: Final = 200
SPREAD: Final = np.float32(0.7)

type Blocks = Iterable[NDArray[Any]]


@dataclass(frozen=True)
class Maker:
    """Writes the files of one artifact, and notes what the manifest must say of each."""

    folder: Path
    files: dict[str, dict[str, Any]]

    def write(self, name: str, chunks: Iterable[bytes | memoryview]) -> None:
        """Write a file in pieces."""
        path, hashed, size = self.folder / name, sha256(), 0
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("wb") as stream:
            for chunk in chunks:
                hashed.update(chunk)
                size += stream.write(chunk)
        self.files[name] = {"sha256": hashed.hexdigest(), "bytes": size}

    def array(self, name: str, dtype: str, shape: tuple[int, ...], blocks: Blocks) -> None:
        """Write an array whose rows come in blocks."""
        told = {"descr": dtype, "fortran_order": False, "shape": shape}
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("wb") as stream:
            np.lib.format.write_array_header_1_0(stream, told)
        head = path.read_bytes()
        self.write(name, (head, *()) if not shape[0] else _all(head, blocks, dtype))


def _all(head: bytes, blocks: Blocks, dtype: str) -> Iterator[bytes | memoryview]:
    yield head
    for block in blocks:
        yield memoryview(np.ascontiguousarray(block, dtype)).cast("B")


def build(folder: Path, items: int) -> Path:
    """Write an artifact of so many items below folder, and return its path."""
    version = "2026-11-23-1"
    make, rng = Maker(folder / version, {}), np.random.default_rng(items)
    sizes = [min(BLOCK, items - low) for low in range(0, items, BLOCK)]
    centres = rng.standard_normal((CLUSTERS, DIMENSIONS), np.float32)

    def vectors(size: int) -> NDArray[np.float32]:
        drawn = rng.standard_normal((size, DIMENSIONS), np.float32)
        drawn *= SPREAD
        drawn += centres[rng.integers(0, CLUSTERS, size)]
        drawn /= np.linalg.norm(drawn, axis=1, keepdims=True)
        return drawn

    def near(size: int) -> NDArray[np.int32]:
        return rng.integers(0, items, (size, NEIGHBOURS), np.int32)

    fading = np.linspace(1.0, 0.1, NEIGHBOURS, dtype=np.float32)
    events, width = USERS * EVENTS_PER_USER, (items, DIMENSIONS)
    make.array("embeddings.npy", "<f4", width, map(vectors, sizes))
    make.array("neighbours.npy", "<i4", (items, NEIGHBOURS), map(near, sizes))
    make.array(
        "neighbour_scores.npy",
        "<f4",
        (items, NEIGHBOURS),
        (np.broadcast_to(fading, (size, NEIGHBOURS)) for size in sizes),
    )
    make.array(
        "popularity.npy", "<f4", (items,), (rng.random(size, dtype=np.float32) for size in sizes)
    )
    make.array(
        "store/item_rows.npy",
        "<f4",
        (items, FEATURES),
        (rng.random((size, FEATURES), dtype=np.float32) for size in sizes),
    )
    ages = rng.uniform(18, 80, (USERS, 1))
    make.array("store/user_rows.npy", "<f4", (USERS, 1), [ages])
    taken = rng.integers(0, items, events)
    make.array("store/history_items.npy", "<i4", (events,), [taken])
    times = np.sort(rng.integers(1_700_000_000_000, 1_790_000_000_000, events))
    make.array("store/history_times.npy", "<i8", (events,), [times])
    offsets = np.arange(USERS + 1) * EVENTS_PER_USER
    make.array("store/history_offsets.npy", "<i8", (USERS + 1,), [offsets])
    make.write("catalogue.json", _catalogue(items))
    make.write("store/users.json", [json.dumps([f"user-{user}" for user in range(USERS)]).encode()])
    return _seal(make, version, items)


def _catalogue(items: int) -> Iterator[bytes]:
    for low in range(0, items, BLOCK):
        told = ",".join(
            f'{{"item_id":"item-{item:08d}","properties":{{"title":"Title of item {item}",'
            f'"category":"c{item % 997}","year":{1950 + item % 76}}}}}'
            for item in range(low, min(low + BLOCK, items))
        )
        yield f"{',' if low else '['}{told}".encode()
    yield b"]"


def _seal(make: Maker, version: str, items: int) -> Path:
    item = Schema("item", 1, tuple(Feature(f"f{column}") for column in range(FEATURES)))
    user = Schema("user", 1, (Feature("age"),))
    schemas = {"item": to_builtins(item), "user": to_builtins(user)}
    columns = ranker_columns(item.columns, user.columns, ItemLayout.of(schemas["item"]))
    scorer = LinearScorer(np.linspace(1, 0.1, len(columns), dtype=np.float32), 0.0, columns)
    make.array("ranker.npy", "<f4", scorer.parameters.shape, [scorer.parameters])
    manifest: dict[str, Any] = {
        "version": version,
        "format": FORMAT,
        "created_at": "2026-11-23T00:00:00+00:00",
        "schemas": schemas,
        "columns": {"item": item.columns, "user": user.columns, "ranker": columns},
        "ranker": scorer.description,
        "files": make.files,
        "data": {"name": "synthetic", "items": items},
    }
    manifest = json.loads(json.dumps(manifest))
    text = json.dumps({**manifest, "sha256": digest(manifest)})
    (make.folder / "manifest.json").write_text(text)
    return make.folder
