"""Whether an artifact's parts fit each other, and hold nothing that a kernel could not bear."""

from collections.abc import Mapping
from math import prod
from pathlib import Path
from typing import Annotated, Any, Final

import msgspec
import numpy as np
from msgspec import Meta
from numpy.typing import NDArray

from ranking.columns import ItemLayout
from ranking.contents import SEGMENTS
from ranking.rejected import ArtifactRejected

WIDEST: Final = 1 << 14
"""Columns of an embedding, and neighbours of an item."""
LARGEST: Final = 1e9
"""A dot product of vectors with values up to here is still a float32."""

type Arrays = Mapping[str, NDArray[Any]]


def check_fit(
    folder: Path, manifest: Mapping[str, Any], arrays: Arrays, items: int, users: int
) -> None:
    """Check arrays, by the names of their files, against the manifest and each other.

    Raises:
        ArtifactRejected: the message names the file and what is wrong with it.
    """
    _check_columns(folder / "manifest.json", manifest)
    _check_shapes(folder, arrays, items, users, manifest["columns"])
    _check_sizes(folder, arrays)
    _check_segments(folder, arrays, manifest["schemas"]["user"])
    _check_ordinals(folder, arrays, items)


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
    folder: Path, arrays: Arrays, items: int, users: int, columns: Mapping[str, list[str]]
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


def _check_sizes(folder: Path, arrays: Arrays) -> None:
    """Check that vectors have a length, which kernels divide by, and lists of items an end."""
    vectors = arrays["embeddings.npy"]
    if not 1 <= vectors.shape[1] <= WIDEST:
        raise ArtifactRejected(folder / "embeddings.npy", f"its width is not 1 to {WIDEST}")
    if max(vectors.max(initial=0), -vectors.min(initial=0)) > LARGEST:
        raise ArtifactRejected(folder / "embeddings.npy", f"holds a value beyond {LARGEST:g}")
    if arrays["neighbours.npy"].shape[1] > WIDEST:
        raise ArtifactRejected(folder / "neighbours.npy", f"is wider than {WIDEST}")


def _check_segments(folder: Path, arrays: Arrays, schema: dict[str, Any]) -> None:
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


def _check_ordinals(folder: Path, arrays: Arrays, items: int) -> None:
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
