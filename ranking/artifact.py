"""The artifact: a folder with a trained model, refused unless every byte of it is as published.

manifest.json          format, version, schemas, columns, sha256 and size of every other file
catalogue.json         [{"item_id": ..., "properties": {...}}, ...]
embeddings.npy         float32[n_items, d]
neighbours.npy         int32[n_items, k]      neighbour_scores.npy   float32[n_items, k]
popularity.npy         float32[n_items]       ranker.txt             LightGBM model text
store/item_rows.npy    float32[n_items, w]    store/user_rows.npy    float32[n_users, u]
store/users.json       [user id, ...]         store/history_*.npy    see `StoredRows`

Nothing in it is code: no pickle, no object array, and the model text has its own strict parser.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from io import BytesIO
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from features.types import Rows
from ranking.catalogue import Catalogue
from ranking.forest import ModelRejected
from ranking.scorers import ForestScorer
from ranking.snapshot import Snapshot

FORMAT: Final = 1

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

FILES: Final = frozenset(ARRAYS) | {"catalogue.json", "ranker.txt", "store/users.json"}


class ArtifactRejected(Exception):
    """An artifact is not whole, not of this format, or contradicts itself."""

    def __init__(self, file: Path, fault: str, remedy: str = "publish the artifact again") -> None:
        super().__init__(f"{file}: {fault}; {remedy}")
        self.file = file


@dataclass(frozen=True, slots=True)
class StoredRows:
    """What an artifact puts into the feature store.

    ``item_rows`` float32[n_items, w], ``user_rows`` float32[n_users, u]. User i's history is
    ``history_items`` int32[total] and ``history_times`` int64[total] (Unix ms), oldest first,
    from ``history_offsets`` int64[n_users + 1] [i] up to [i + 1].
    """

    item_ids: tuple[str, ...]
    item_rows: Rows
    user_ids: tuple[str, ...]
    user_rows: Rows
    history_items: NDArray[np.int32]
    history_times: NDArray[np.int64]
    history_offsets: NDArray[np.int64]
    schemas: dict[str, Any]


def read(folder: Path) -> Snapshot:
    """Verify the artifact in folder and make the snapshot that serves it.

    Raises:
        ArtifactRejected: the message names the file, what is wrong with it, and the remedy.
    """
    manifest, files = _verified(folder)
    arrays = _arrays(folder, manifest, files)
    catalogue = _catalogue(folder, files["catalogue.json"])
    columns = manifest["columns"]
    try:
        scorer = ForestScorer.load(files["ranker.txt"].decode(), tuple(columns["ranker"]))
        return Snapshot(
            version=manifest["version"],
            catalogue=catalogue,
            embeddings=arrays["embeddings.npy"],
            neighbours=arrays["neighbours.npy"],
            neighbour_scores=arrays["neighbour_scores.npy"],
            popularity=arrays["popularity.npy"],
            item_rows=arrays["store/item_rows.npy"],
            item_columns=tuple(columns["item"]),
            user_columns=tuple(columns["user"]),
            schemas=manifest["schemas"],
            scorer=scorer,
        )
    except (ModelRejected, ValueError) as fault:
        raise ArtifactRejected(folder / "ranker.txt", str(fault)) from fault


def read_store(folder: Path) -> StoredRows:
    """Verify the artifact in folder and return the rows and histories for the feature store.

    Raises:
        ArtifactRejected: as `read` does.
    """
    manifest, files = _verified(folder)
    arrays = _arrays(folder, manifest, files)
    return StoredRows(
        item_ids=_catalogue(folder, files["catalogue.json"]).ids,
        item_rows=arrays["store/item_rows.npy"],
        user_ids=_user_ids(folder, files["store/users.json"]),
        user_rows=arrays["store/user_rows.npy"],
        history_items=arrays["store/history_items.npy"],
        history_times=arrays["store/history_times.npy"],
        history_offsets=arrays["store/history_offsets.npy"],
        schemas=manifest["schemas"],
    )


def _verified(folder: Path) -> tuple[dict[str, Any], dict[str, bytes]]:
    """Read every file once and hold the very bytes whose digest agreed."""
    path = folder / "manifest.json"
    manifest = _json(path, _bytes(path))
    if not isinstance(manifest, dict) or manifest.get("format") != FORMAT:
        found = manifest.get("format") if isinstance(manifest, dict) else None
        raise ArtifactRejected(path, f"format {found!r} is not {FORMAT}", "train it again")
    for key, kind in (("version", str), ("schemas", dict), ("columns", dict), ("files", dict)):
        if not isinstance(manifest.get(key), kind):
            raise ArtifactRejected(path, f"{key!r} is missing or not a {kind.__name__}")
    # Names come from our own list alone, so no name in the manifest can lead out of the folder.
    if set(manifest["files"]) != FILES:
        odd = sorted(set(manifest["files"]) ^ FILES)
        raise ArtifactRejected(path, f"unexpected or missing files: {', '.join(odd)}")
    files: dict[str, bytes] = {}
    for name, seal in manifest["files"].items():
        if not isinstance(seal, dict):
            raise ArtifactRejected(path, f"the entry of {name!r} is not an object")
        content = _bytes(folder / name, limit=seal.get("bytes"))
        if sha256(content).hexdigest() != seal.get("sha256"):
            raise ArtifactRejected(folder / name, "its sha256 is not the manifest's")
        files[name] = content
    return manifest, files


def _bytes(path: Path, limit: object = None) -> bytes:
    if path.is_symlink() or path.parent.is_symlink():
        raise ArtifactRejected(path, "it is a symbolic link", "copy the file itself")
    try:
        size = path.stat().st_size
        if limit is not None and size != limit:
            raise ArtifactRejected(path, f"{size} bytes, the manifest says {limit}")
        return path.read_bytes()
    except OSError as fault:
        raise ArtifactRejected(path, f"cannot be read ({fault.strerror})") from fault


def _json(path: Path, content: bytes) -> Any:
    try:
        return json.loads(content)
    except (ValueError, RecursionError) as fault:
        raise ArtifactRejected(path, f"is not JSON ({fault})") from fault


def _catalogue(folder: Path, content: bytes) -> Catalogue:
    path = folder / "catalogue.json"
    try:
        items = _json(path, content)
        return Catalogue(
            ids=tuple(_text(item["item_id"]) for item in items),
            properties=tuple(dict(item["properties"]) for item in items),
        )
    except (KeyError, TypeError, ValueError) as fault:
        raise ArtifactRejected(path, f"is not a list of items ({fault})") from fault


def _user_ids(folder: Path, content: bytes) -> tuple[str, ...]:
    path = folder / "store/users.json"
    users = _json(path, content)
    if not isinstance(users, list) or len(set(map(str, users))) != len(users):
        raise ArtifactRejected(path, "is not a list of distinct ids")
    return tuple(map(_text, users))


def _text(value: object) -> str:
    if not isinstance(value, str) or not value:
        raise ValueError(f"{value!r} is not an id")
    return value


def _arrays(
    folder: Path, manifest: Mapping[str, Any], files: Mapping[str, bytes]
) -> dict[str, NDArray[Any]]:
    arrays = {name: _array(folder / name, files[name], *ARRAYS[name]) for name in ARRAYS}
    items = len(_catalogue(folder, files["catalogue.json"]))
    users = len(_user_ids(folder, files["store/users.json"]))
    columns = manifest["columns"]
    for kind in ("item", "user", "ranker"):
        names = columns.get(kind)
        if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
            raise ArtifactRejected(folder / "manifest.json", f"columns.{kind} is not a list")
    events = len(arrays["store/history_items.npy"])
    expected = {
        "embeddings.npy": (items, None),
        "neighbours.npy": (items, None),
        "neighbour_scores.npy": arrays["neighbours.npy"].shape,
        "popularity.npy": (items,),
        "store/item_rows.npy": (items, len(columns["item"])),
        "store/user_rows.npy": (users, len(columns["user"])),
        "store/history_times.npy": (events,),
        "store/history_offsets.npy": (users + 1,),
    }
    for name, shape in expected.items():
        found = arrays[name].shape
        if any(want not in (None, have) for want, have in zip(shape, found, strict=True)):
            raise ArtifactRejected(folder / name, f"shape {found} does not agree with {shape}")
    _within(folder, "neighbours.npy", arrays["neighbours.npy"], -1, items)
    _within(folder, "store/history_items.npy", arrays["store/history_items.npy"], 0, items)
    offsets = arrays["store/history_offsets.npy"]
    if offsets[0] != 0 or offsets[-1] != events or (np.diff(offsets) < 0).any():
        raise ArtifactRejected(folder / "store/history_offsets.npy", "offsets are out of order")
    return arrays


def _within(folder: Path, name: str, values: NDArray[Any], low: int, end: int) -> None:
    if values.size and (values.min() < low or values.max() >= end):
        raise ArtifactRejected(folder / name, f"an ordinal lies outside {low}..{end - 1}")


def _array(path: Path, content: bytes, dtype: str, axes: int) -> NDArray[Any]:
    """View the bytes as an array, read-only, after checking the header against what must be."""
    stream = BytesIO(content)
    try:
        if np.lib.format.read_magic(stream) != (1, 0):
            raise ValueError("not .npy version 1.0")
        shape, fortran, found = np.lib.format.read_array_header_1_0(stream)
    except (ValueError, SyntaxError) as fault:
        raise ArtifactRejected(path, f"is not an array ({fault})") from fault
    if found != np.dtype(dtype) or fortran or len(shape) != axes:
        raise ArtifactRejected(path, f"is {found}{list(shape)}, not {dtype} with {axes} axes")
    body = len(content) - stream.tell()
    if body != int(np.prod(shape, dtype=np.int64)) * found.itemsize:
        raise ArtifactRejected(path, f"{body} bytes of data do not make the shape {shape}")
    array = np.frombuffer(content, found, offset=stream.tell()).reshape(shape)
    if found.kind == "f" and not np.isfinite(array).all():
        raise ArtifactRejected(path, "holds a value that is not finite", "train it again")
    return array
