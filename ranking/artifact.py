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

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from features.types import Rows
from ranking.catalogue import Catalogue
from ranking.contents import (
    ARRAYS,
    FILES,
    FOREST,
    FOREST_KIND,
    OBJECTIVE,
    OPTIONAL,
    OPTIONAL_FILES,
    PARAMETERS,
    SEGMENTS,
)
from ranking.fit import Arrays, check_fit
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


@dataclass(frozen=True, slots=True)
class Parts:
    """All that an artifact holds.

    ``files`` are the contents of those that are no arrays, by name; ``arrays`` the others.
    """

    manifest: dict[str, Any]
    files: Mapping[str, Content]
    catalogue: Catalogue
    user_ids: Sequence[str]
    arrays: Arrays
    record: Record | None


def stated_files(folder: Path) -> tuple[dict[str, Any], dict[str, int]]:
    """Return the manifest of the artifact in folder, and the size of each file by its word.

    Raises:
        ArtifactRejected: as `read` does.
    """
    return stated(folder, FILES, OPTIONAL_FILES, OBJECTIVE)


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
    check_fit(folder, manifest, arrays, len(items), len(users))
    seen = record(folder / "manifest.json", manifest.get("golden"))
    return Parts(manifest, files, items, users, arrays, seen)


def _checked(folder: Path) -> Parts:
    manifest, files = verified(folder, FILES, OPTIONAL_FILES, OBJECTIVE)
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
