"""Write an artifact, whole or not at all."""

import json
import os
import shutil
from collections.abc import Mapping
from datetime import UTC, datetime
from hashlib import sha256
from io import BytesIO
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ranking.artifact import ARRAYS, FORMAT
from ranking.snapshot import Snapshot
from training.datasets import Dataset
from training.interactions import Interactions


def publish(
    folder: Path,
    dataset: Dataset,
    interactions: Interactions,
    snapshot: Snapshot,
    model_text: str,
    metrics: Mapping[str, Any] | None = None,
) -> Path:
    """Write the artifact and return its path, folder/version.

    The version is today's date and a running number. The files are written beside their place
    and flushed to disk; one rename makes them visible, so nobody ever reads half an artifact.
    """
    folder.mkdir(parents=True, exist_ok=True)
    now = datetime.now(UTC)
    files = _files(dataset, interactions, snapshot, model_text)
    scratch = Path(mkdtemp(dir=folder, prefix=".publish-"))
    scratch.chmod(0o755)  # mkdtemp keeps others out, but the service may be another user
    try:
        for name, content in files.items():
            _write(scratch / name, content)
        number = 1
        while True:
            version = f"{now:%Y-%m-%d}-{number}"
            manifest = {
                "format": FORMAT,
                "version": version,
                "created_at": now.isoformat(timespec="seconds"),
                "schemas": snapshot.schemas,
                "columns": {
                    "item": snapshot.item_columns,
                    "user": snapshot.user_columns,
                    "ranker": snapshot.scorer.columns,
                },
                "files": {
                    name: {"sha256": sha256(content).hexdigest(), "bytes": len(content)}
                    for name, content in sorted(files.items())
                },
                "metrics": dict(metrics or {}),
                "data": {
                    "name": dataset.name,
                    "items": len(dataset.catalogue),
                    "users": len(dataset.user_ids),
                    "interactions": len(interactions),
                },
            }
            _write(scratch / "manifest.json", _json(manifest))
            try:
                scratch.rename(folder / version)  # fails where that version exists already
            except OSError:
                if not (folder / version).exists():
                    raise
                number += 1
            else:
                return folder / version
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def _files(
    dataset: Dataset, interactions: Interactions, snapshot: Snapshot, model_text: str
) -> dict[str, bytes]:
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
    items = [
        {"item_id": item_id, "properties": properties}
        for item_id, properties in zip(catalogue.ids, catalogue.properties, strict=True)
    ]
    return {
        **{name: _npy(array, ARRAYS[name][0]) for name, array in arrays.items()},
        "catalogue.json": _json(items),
        "ranker.txt": model_text.encode(),
        "store/users.json": _json(dataset.user_ids),
    }


def _npy(array: NDArray[Any], dtype: str) -> bytes:
    stream = BytesIO()
    np.lib.format.write_array(
        stream, np.ascontiguousarray(array, dtype=dtype), version=(1, 0), allow_pickle=False
    )
    return stream.getvalue()


def _json(value: object) -> bytes:
    return json.dumps(value, ensure_ascii=False, allow_nan=False, indent=1).encode()


def _write(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as stream:
        stream.write(content)
        stream.flush()
        os.fsync(stream.fileno())
