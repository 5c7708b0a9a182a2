"""The artifact: a folder with a trained model, refused unless every byte of it is as published.

    manifest.json        format, version, schemas, columns, sha256 and size of every other file,
                         and what training saw of the model's scores (`ranking.record`)
    catalogue.json       [{"item_id": ..., "properties": {...}}, ...]
    embeddings.npy       float32[n_items, d]
    neighbours.npy       int32[n_items, k]
    neighbour_scores.npy float32[n_items, k]
    popularity.npy       float32[n_items]
    added.npy            int64[n_items]: when each item was new (Unix ms); may be missing
    segment_*.npy        three arrays of `ranking.segments.Segments`; may be missing
    ranker.txt           a forest: LightGBM model text; or
    ranker.npy           another scorer's parameters, float32[p], described in the manifest
    objectives/NAME.txt  another ranker of the same columns: a forest; or
    objectives/NAME.npy  its parameters, described in the manifest under "objectives"
    store/               what goes into the feature store: see `StoredRows`

Nothing in it is code: no pickle, no object array, and the model text has its own strict parser.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import Annotated, Any, Final

import msgspec
import numpy as np
from msgspec import Meta
from numpy.typing import NDArray

from features.types import Rows
from ranking.catalogue import Catalogue
from ranking.columns import ItemLayout
from ranking.manifest import stated, verified
from ranking.npy import Content, view
from ranking.objectives.names import RESERVED
from ranking.record import Record, record
from ranking.records import catalogue, user_ids
from ranking.rejected import ArtifactRejected
from ranking.scorers import ForestScorer, restore
from ranking.segments import Segments
from ranking.snapshot import Scorer, Snapshot

__all__ = [
    "ARRAYS",
    "ArtifactRejected",
    "Parts",
    "StoredRows",
    "checked_parts",
    "read",
    "read_both",
    "read_store",
    "snapshot_of",
    "stated_files",
    "stored_of",
]

ARRAYS: Final = {
    "embeddings.npy": ("<f4", 2),
    "neighbours.npy": ("<i4", 2),
    "neighbour_scores.npy": ("<f4", 2),
    "popularity.npy": ("<f4", 1),
    "store/item_rows.npy": ("<f4", 2),
    "store/user_rows.npy": ("<f4", 2),
    "store/history_items.npy": ("<i4", 1),
    "store/history_times.npy": ("<i8", 1),
    "store/history_offsets.npy": ("<i8", 1),
}
"""Each array's dtype and number of axes; anything else is refused."""

ADDED: Final = {"added.npy": ("<i8", 1)}
SEGMENTS: Final = {
    "segment_edges.npy": ("<f4", 2),
    "segment_items.npy": ("<i4", 1),
    "segment_logs.npy": ("<f4", 2),
}
OPTIONAL: Final = ADDED | SEGMENTS
"""Arrays that older artifacts lack."""

FILES: Final = frozenset(ARRAYS) | {"catalogue.json", "store/users.json"}
FOREST: Final = "ranker.txt"
PARAMETERS: Final = "ranker.npy"
_OPTIONAL_FILES: Final = frozenset({FOREST, PARAMETERS, *OPTIONAL})
FOREST_KIND: Final = {"kind": "forest"}
WIDEST: Final = 1 << 14
"""Columns of an embedding, and neighbours of an item."""
LARGEST: Final = 1e9
"""A dot product of vectors with values up to here is still a float32."""
OBJECTIVE: Final = re.compile(r"objectives/([a-z][a-z0-9_]{0,31})\.(?:txt|npy)", re.ASCII)
"""The file of a ranker besides the first; its name cannot lead out of the folder."""


@dataclass(frozen=True, slots=True)
class StoredRows:
    """What an artifact puts into the feature store.

    ``item_rows`` float32[n_items, w], ``user_rows`` float32[n_users, u]. User i's history is
    ``history_items`` int32[total] and ``history_times`` int64[total] (Unix ms), oldest first,
    from ``history_offsets`` int64[n_users + 1] [i] up to [i + 1]. ``made_at`` is as in `Snapshot`;
    ``record`` is what training saw on golden requests, which are made of these histories.
    """

    item_ids: Sequence[str]
    item_rows: Rows
    user_ids: Sequence[str]
    user_rows: Rows
    history_items: NDArray[np.int32]
    history_times: NDArray[np.int64]
    history_offsets: NDArray[np.int64]
    schemas: dict[str, Any]
    made_at: str = ""
    record: Record | None = None


def read(folder: Path) -> Snapshot:
    """Verify the artifact in folder and make the snapshot that serves it.

    Raises:
        ArtifactRejected: the message names the file, what is wrong with it, and the remedy.
    """
    return snapshot_of(folder, _checked(folder))


def read_store(folder: Path) -> StoredRows:
    """Verify the artifact in folder and return the rows and histories for the feature store.

    Raises:
        ArtifactRejected: as `read` does.
    """
    return stored_of(_checked(folder))


def read_both(folder: Path) -> tuple[Snapshot, StoredRows]:
    """Verify the artifact in folder once, and return what `read` and `read_store` do.

    Raises:
        ArtifactRejected: as `read` does.
    """
    checked = _checked(folder)
    return snapshot_of(folder, checked), stored_of(checked)


type _Arrays = Mapping[str, NDArray[Any]]


@dataclass(frozen=True, slots=True)
class Parts:
    """All that an artifact holds.

    ``files`` are the contents of those that are no arrays, by name; ``arrays`` the others.
    """

    manifest: dict[str, Any]
    files: Mapping[str, Content]
    catalogue: Catalogue
    user_ids: Sequence[str]
    arrays: _Arrays
    record: Record | None


def stated_files(folder: Path) -> tuple[dict[str, Any], dict[str, int]]:
    """Return the manifest of the artifact in folder, and the size of each file by its word.

    Raises:
        ArtifactRejected: as `read` does.
    """
    return stated(folder, FILES, _OPTIONAL_FILES, OBJECTIVE)


def checked_parts(
    folder: Path,
    manifest: dict[str, Any],
    files: Mapping[str, Content],
    items: Catalogue,
    users: Sequence[str],
) -> Parts:
    """Look at the contents of all files, which were hashed before, and check that they fit.

    Raises:
        ArtifactRejected: as `read` does.
    """
    kinds = ARRAYS | {name: kind for name, kind in OPTIONAL.items() if name in files}
    arrays = {name: view(folder / name, files[name], *kinds[name]) for name in kinds}
    _check_columns(folder / "manifest.json", manifest)
    _check_shapes(folder, arrays, len(items), len(users), manifest["columns"])
    _check_sizes(folder, arrays)
    _check_segments(folder, arrays, manifest["schemas"]["user"])
    _check_ordinals(folder, arrays, len(items))
    seen = record(folder / "manifest.json", manifest.get("golden"))
    return Parts(manifest, files, items, users, arrays, seen)


def _checked(folder: Path) -> Parts:
    manifest, files = verified(folder, FILES, _OPTIONAL_FILES, OBJECTIVE)
    items = catalogue(folder / "catalogue.json", files["catalogue.json"])
    users = user_ids(folder / "store/users.json", files["store/users.json"])
    return checked_parts(folder, manifest, files, items, users)


def snapshot_of(folder: Path, parts: Parts, derived: Mapping[str, Any] | None = None) -> Snapshot:
    """Make the snapshot that serves these parts.

    ``derived`` are the snapshot's derived arrays and its sketch, where they were kept.

    Raises:
        ArtifactRejected: as `read` does.
    """
    manifest, arrays = parts.manifest, parts.arrays
    columns = manifest["columns"]
    description = manifest.get("ranker", FOREST_KIND)  # in older artifacts it went without saying
    scorer = _ranker(folder, parts, description, FOREST, PARAMETERS)
    given = {
        "version": manifest["version"],
        "catalogue": parts.catalogue,
        "embeddings": arrays["embeddings.npy"],
        "neighbours": arrays["neighbours.npy"],
        "neighbour_scores": arrays["neighbour_scores.npy"],
        "popularity": arrays["popularity.npy"],
        "item_rows": arrays["store/item_rows.npy"],
        "item_columns": tuple(columns["item"]),
        "user_columns": tuple(columns["user"]),
        "schemas": manifest["schemas"],
        "scorer": scorer,
        "rankers": _rankers(folder, parts),
        "made_at": str(manifest.get("created_at", "")),
        "added_ms": arrays.get("added.npy"),
        "segments": _segments(parts),
    }
    try:
        return Snapshot(**given) if derived is None else Snapshot.restored(given, derived)
    except ValueError as fault:
        raise ArtifactRejected(folder / "manifest.json", str(fault), "train it again") from fault


def _segments(checked: Parts) -> Segments | None:
    if not SEGMENTS.keys() <= checked.arrays.keys():
        return None
    edges, items, logs = (checked.arrays[name] for name in SEGMENTS)
    return Segments.of(edges, items, logs, checked.manifest["schemas"]["user"])


def _rankers(folder: Path, checked: Parts) -> dict[str, Scorer]:
    """Return the rankers besides the first; each file is described, and each described is there."""
    path, described = folder / "manifest.json", checked.manifest.get("objectives", {})
    found = {match[1] for match in map(OBJECTIVE.fullmatch, checked.files) if match}
    if not isinstance(described, dict) or described.keys() != found:
        raise ArtifactRejected(path, f"its objectives are {sorted(found)} by their files")
    if found & RESERVED:
        raise ArtifactRejected(path, f"no ranker may be called {sorted(found & RESERVED)[0]!r}")
    return {
        name: _ranker(
            folder, checked, described[name], f"objectives/{name}.txt", f"objectives/{name}.npy"
        )
        for name in sorted(found)
    }


def _ranker(
    folder: Path, checked: Parts, description: object, forest: str, parameters: str
) -> Scorer:
    """Return the ranker that is in one of these two files, by its description."""
    files, columns = checked.files, tuple(checked.manifest["columns"]["ranker"])
    name = forest if description == FOREST_KIND else parameters
    if files.keys() & {forest, parameters} != {name}:
        raise ArtifactRejected(folder / "manifest.json", f"its ranker must be in {name} alone")
    try:
        if name == forest:
            return ForestScorer.load(bytes(files[name]).decode(), columns)
        return restore(description, view(folder / name, files[name], "<f4", 1), columns)
    except ValueError as fault:  # ModelRejected is one
        raise ArtifactRejected(folder / name, str(fault), "train it again") from fault


def stored_of(checked: Parts) -> StoredRows:
    """Return what these parts put into the feature store."""
    arrays = checked.arrays
    return StoredRows(
        item_ids=checked.catalogue.ids,
        item_rows=arrays["store/item_rows.npy"],
        user_ids=checked.user_ids,
        user_rows=arrays["store/user_rows.npy"],
        history_items=arrays["store/history_items.npy"],
        history_times=arrays["store/history_times.npy"],
        history_offsets=arrays["store/history_offsets.npy"],
        schemas=checked.manifest["schemas"],
        made_at=str(checked.manifest.get("created_at", "")),
        record=checked.record,
    )


def _check_columns(path: Path, manifest: Mapping[str, Any]) -> None:
    for kind in ("item", "user", "ranker"):
        names = manifest["columns"].get(kind)
        if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
            raise ArtifactRejected(path, f"columns.{kind} is not a list of names")
    for kind in ("item", "user"):
        features = _features(path, kind, manifest["schemas"].get(kind))
        names = manifest["columns"][kind]
        # Counted before they are written out: a manifest may ask for a million times its own size.
        if sum(prod(feature.shape) for feature in features) != len(names) or names != [
            column for feature in features for column in feature.columns
        ]:
            raise ArtifactRejected(path, f"columns.{kind} does not agree with schemas.{kind}")


class _Feature(msgspec.Struct):
    """What the columns of a row go by; the rest is checked where rows are read."""

    name: str
    shape: Annotated[tuple[Annotated[int, Meta(ge=1, le=4096)], ...], Meta(max_length=1)] = ()
    labels: tuple[str, ...] = ()

    @property
    def columns(self) -> list[str]:
        if not self.shape:
            return [self.name]
        return [f"{self.name}={label}" for label in self.labels or range(self.shape[0])]


class _Schema(msgspec.Struct):
    features: tuple[_Feature, ...]


def _features(path: Path, kind: str, schema: object) -> tuple[_Feature, ...]:
    try:
        return msgspec.convert(schema, _Schema).features
    except msgspec.ValidationError as fault:
        raise ArtifactRejected(path, f"schemas.{kind} is not a schema ({fault})") from fault


def _check_shapes(
    folder: Path, arrays: _Arrays, items: int, users: int, columns: Mapping[str, list[str]]
) -> None:
    events = len(arrays["store/history_items.npy"])
    expected = {
        "embeddings.npy": (items, arrays["embeddings.npy"].shape[1]),
        "neighbours.npy": (items, arrays["neighbours.npy"].shape[1]),
        "neighbour_scores.npy": arrays["neighbours.npy"].shape,
        "popularity.npy": (items,),
        "added.npy": (items,),
        "store/item_rows.npy": (items, len(columns["item"])),
        "store/user_rows.npy": (users, len(columns["user"])),
        "store/history_times.npy": (events,),
        "store/history_offsets.npy": (users + 1,),
    }
    for name, shape in expected.items():
        if name in arrays and arrays[name].shape != shape:
            raise ArtifactRejected(folder / name, f"shape {arrays[name].shape} should be {shape}")


def _check_sizes(folder: Path, arrays: _Arrays) -> None:
    """Check that vectors have a length, which kernels divide by, and lists of items an end."""
    vectors = arrays["embeddings.npy"]
    if not 1 <= vectors.shape[1] <= WIDEST:
        raise ArtifactRejected(folder / "embeddings.npy", f"its width is not 1 to {WIDEST}")
    if max(vectors.max(initial=0), -vectors.min(initial=0)) > LARGEST:
        raise ArtifactRejected(folder / "embeddings.npy", f"holds a value beyond {LARGEST:g}")
    if arrays["neighbours.npy"].shape[1] > WIDEST:
        raise ArtifactRejected(folder / "neighbours.npy", f"is wider than {WIDEST}")


def _check_segments(folder: Path, arrays: _Arrays, schema: dict[str, Any]) -> None:
    """Check what `Segments` would refuse, so that the file at fault is named."""
    there = arrays.keys() & SEGMENTS.keys()
    if not there:
        return
    if there != SEGMENTS.keys():
        missing = ", ".join(sorted(SEGMENTS.keys() - there))
        raise ArtifactRejected(folder / "manifest.json", f"segments without {missing}")
    edges, items = arrays["segment_edges.npy"], arrays["segment_items.npy"]
    layout = ItemLayout.of(schema)
    bands = len(layout.numbers) * (edges.shape[1] + 1)
    expected = {
        "segment_edges.npy": (len(layout.numbers), edges.shape[1]),
        "segment_logs.npy": (1 + bands + len(layout.attributes), len(items)),
    }
    for name, shape in expected.items():
        if arrays[name].shape != shape:
            raise ArtifactRejected(folder / name, f"shape {arrays[name].shape} should be {shape}")
    if (np.diff(edges) < 0).any():
        raise ArtifactRejected(folder / "segment_edges.npy", "does not rise in each row")
    if (np.diff(items) <= 0).any():
        raise ArtifactRejected(folder / "segment_items.npy", "does not rise")


def _check_ordinals(folder: Path, arrays: _Arrays, items: int) -> None:
    lowests = {"neighbours.npy": -1, "store/history_items.npy": 0, "segment_items.npy": 0}
    for name, lowest in lowests.items():
        if (
            name in arrays
            and arrays[name].size
            and not lowest <= arrays[name].min() <= arrays[name].max() < items
        ):
            raise ArtifactRejected(folder / name, f"holds an ordinal outside {lowest}..{items - 1}")
    name, offsets = "store/history_offsets.npy", arrays["store/history_offsets.npy"]
    events = len(arrays["store/history_items.npy"])
    if offsets[0] != 0 or offsets[-1] != events or (np.diff(offsets) < 0).any():
        raise ArtifactRejected(folder / name, f"does not rise from 0 to {events}")
