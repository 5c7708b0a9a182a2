"""Write an artifact, whole or not at all."""

import json
import os
import shutil
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from hashlib import sha256
from io import BytesIO
from itertools import count
from pathlib import Path
from tempfile import mkdtemp
from types import MappingProxyType
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from ranking.contents import ARRAYS, FOREST_KIND, OBJECTIVE, OPTIONAL, SEGMENTS
from ranking.golden import examine, golden_requests
from ranking.manifest import FORMAT, digest
from ranking.objectives.names import RESERVED
from ranking.record import Record
from ranking.scorers import ForestScorer, StoredScorer
from ranking.snapshot import Scorer, Snapshot
from training.datasets import Dataset
from training.interactions import Interactions
from training.stored import as_stored


def publish(
    folder: Path,
    dataset: Dataset,
    interactions: Interactions,
    snapshot: Snapshot,
    model_text: str | None = None,
    metrics: Mapping[str, Any] | None = None,
    objectives: Mapping[str, str | StoredScorer] = MappingProxyType({}),
) -> Path:
    """Write the artifact and return its path, folder/version.

    The ranker is the forest of ``model_text``, LightGBM's, or without one the snapshot's own
    scorer, which must be a `StoredScorer`. So a network learnt elsewhere comes into an artifact:
    ``publish(folder, dataset, interactions, replace(snapshot, scorer=MlpScorer.of(weights,
    biases, columns)))`` with the snapshot of `training.train.learn` or `training.fit.fit`, and some
    of ``snapshot.columns``. ``objectives`` are other rankers of the same columns by name, each a
    model text or a `StoredScorer`: a surface may weigh them against the first (docs/scoring.md).

    The version is today's date and a running number. The files are written beside their place
    and flushed to disk; one rename makes them visible, so nobody ever reads half an artifact.

    Raises:
        ValueError: an array holds a value that is not finite, a ranker is none that an artifact
            can keep, or its name is no objective's; OSError: the disk.
    """
    folder.mkdir(parents=True, exist_ok=True)
    columns = snapshot.scorer.columns
    ranker, files = _ranker(model_text or snapshot.scorer, columns, "ranker")
    described: dict[str, Any] = {}
    for name, other in objectives.items():
        stem = f"objectives/{name}"
        if name in RESERVED or not OBJECTIVE.fullmatch(f"{stem}.txt"):
            raise ValueError(f"{name!r} is no name for an objective of an artifact")
        described[name], its_files = _ranker(other, columns, stem)
        files |= its_files
    files |= _files(dataset, interactions, snapshot)
    rankers = {"ranker": ranker, "objectives": described}
    seen = _seen(dataset, interactions, snapshot, model_text)
    rankers |= {"golden": msgspec.to_builtins(seen)} if seen is not None else {}
    manifest = _manifest(dataset, interactions, snapshot, rankers, files, metrics or {})
    scratch = Path(mkdtemp(dir=folder, prefix=".publish-"))
    scratch.chmod(0o755)  # mkdtemp keeps others out, but the service may be another user
    try:
        for name, content in files.items():
            _write(scratch / name, content)
        return _reveal(scratch, folder, manifest)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def _seen(
    dataset: Dataset, interactions: Interactions, snapshot: Snapshot, model_text: str | None
) -> Record | None:
    """Return what golden requests show of the model: the gate must see the same."""
    requests = golden_requests(as_stored(dataset, interactions))
    if not requests:
        return None
    if model_text is not None:
        columns = snapshot.scorer.columns
        snapshot = replace(snapshot, scorer=ForestScorer.load(model_text, columns))
    return examine(snapshot, requests).record


def _reveal(scratch: Path, folder: Path, manifest: dict[str, Any]) -> Path:
    """Give the artifact the first free version of the day, and its name."""
    for number in count(1):
        version = f"{manifest['created_at'][:10]}-{number}"
        named = {"version": version, **manifest}
        _write(scratch / "manifest.json", _json({**named, "sha256": digest(named)}))
        try:
            # Renaming onto a folder that is not empty fails, also against another publisher.
            scratch.rename(folder / version)
        except OSError:
            if not (folder / version).exists():
                raise
        else:
            return folder / version
    raise AssertionError("count has no end")


def _manifest(
    dataset: Dataset,
    interactions: Interactions,
    snapshot: Snapshot,
    rankers: Mapping[str, Any],
    files: Mapping[str, bytes],
    metrics: Mapping[str, Any],
) -> dict[str, Any]:
    return {
        "format": FORMAT,
        "created_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "schemas": snapshot.schemas,
        "columns": {
            "item": snapshot.item_columns,
            "user": snapshot.user_columns,
            "ranker": snapshot.scorer.columns,
        },
        **rankers,
        "files": {
            name: {"sha256": sha256(content).hexdigest(), "bytes": len(content)}
            for name, content in sorted(files.items())
        },
        "metrics": dict(metrics),
        "data": {
            "name": dataset.name,
            "items": len(dataset.catalogue),
            "users": len(dataset.user_ids),
            "interactions": len(interactions),
        },
    }


def _ranker(
    ranker: str | Scorer, columns: tuple[str, ...], stem: str
) -> tuple[dict[str, Any], dict[str, bytes]]:
    """Return what the manifest says of a ranker, and its file."""
    if isinstance(ranker, str):
        return FOREST_KIND, {f"{stem}.txt": ranker.encode()}
    if not isinstance(ranker, StoredScorer):
        raise ValueError(f"a {type(ranker).__name__} cannot be kept without its model text")
    if ranker.columns != columns:
        raise ValueError(f"{stem}: its columns are not those of the snapshot's scorer")
    file = f"{stem}.npy"
    return ranker.description, {file: _npy(file, ranker.parameters, "<f4")}


def _files(dataset: Dataset, interactions: Interactions, snapshot: Snapshot) -> dict[str, bytes]:
    catalogue = snapshot.catalogue
    arrays: dict[str, NDArray[Any]] = {
        "embeddings.npy": snapshot.embeddings,
        "neighbours.npy": snapshot.neighbours,
        "neighbour_scores.npy": snapshot.neighbour_scores,
        "popularity.npy": snapshot.popularity,
        "store/item_rows.npy": dataset.item_rows,
        "store/user_rows.npy": dataset.user_rows,
        "store/history_items.npy": interactions.items,
        "store/history_times.npy": interactions.times,
        "store/history_offsets.npy": interactions.offsets,
    }
    if snapshot.added_ms is not None:
        arrays["added.npy"] = snapshot.added_ms
    if (segments := snapshot.segments) is not None:
        arrays |= dict(zip(SEGMENTS, (segments.edges, segments.items, segments.logs), strict=True))
    kinds = ARRAYS | OPTIONAL
    items = [
        {"item_id": item_id, "properties": properties}
        for item_id, properties in zip(catalogue.ids, catalogue.properties, strict=True)
    ]
    return {
        **{name: _npy(name, array, kinds[name][0]) for name, array in arrays.items()},
        "catalogue.json": _json(items),
        "store/users.json": _json(dataset.user_ids),
    }


def _npy(name: str, array: NDArray[Any], dtype: str) -> bytes:
    plain = np.ascontiguousarray(array, dtype=dtype)
    if not np.isfinite(plain).all():
        raise ValueError(f"{name} holds a value that is not finite: nobody could read it back")
    stream = BytesIO()
    np.lib.format.write_array(stream, plain, version=(1, 0), allow_pickle=False)
    return stream.getvalue()


def _json(value: object) -> bytes:
    return json.dumps(value, ensure_ascii=False, allow_nan=False, indent=1).encode()


def _write(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as stream:
        stream.write(content)
        stream.flush()
        os.fsync(stream.fileno())
