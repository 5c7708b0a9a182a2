"""An artifact's JSON: its items and its users, typed, so that nothing else gets further."""

from pathlib import Path
from typing import Annotated, Any

import msgspec
import numpy as np
from msgspec import Meta
from numpy.typing import NDArray

from ranking.catalogue import Catalogue
from ranking.names import Names
from ranking.rejected import ArtifactRejected

type Id = Annotated[str, Meta(min_length=1)]


class _Item(msgspec.Struct):
    item_id: Id
    properties: dict[str, Any]


def catalogue(path: Path, content: bytes) -> Catalogue:
    """Return the catalogue in content; its properties can be written as JSON again.

    Raises:
        ArtifactRejected: names path, which is only for the message.
    """
    items = _decoded(path, content, list[_Item], "a list of items")
    try:
        msgspec.json.encode(items)  # what is nested too deep cannot
        return Catalogue(
            ids=tuple(item.item_id for item in items),
            properties=tuple(item.properties for item in items),
        )
    except (ValueError, RecursionError) as fault:
        raise ArtifactRejected(path, f"cannot be served ({fault})") from fault


class _Piece(msgspec.Struct, gc=False):
    item_id: Id
    properties: msgspec.Raw


def pieces(path: Path, content: bytes) -> tuple[Names, NDArray[np.uint8], NDArray[np.int64]]:
    """Return the ids in content, and all properties as JSON, packed: uint8[m] and int64[n + 1].

    Raises:
        ArtifactRejected: as `catalogue` does.
    """
    items = _decoded(path, content, list[_Piece], "a list of items")
    encode, record = msgspec.json.Encoder().encode, msgspec.json.Decoder(dict[str, Any])
    text, starts = bytearray(), np.zeros(len(items) + 1, np.int64)
    try:
        for place, item in enumerate(items):
            text += encode(record.decode(item.properties))  # what is nested too deep cannot
            starts[place + 1] = len(text)
        return Names([item.item_id for item in items]), np.frombuffer(text, np.uint8), starts
    except (ValueError, RecursionError) as fault:  # a DecodeError is one
        raise ArtifactRejected(path, f"cannot be served ({fault})") from fault


def user_ids(path: Path, content: bytes) -> tuple[str, ...]:
    """Return the ids in content.

    Raises:
        ArtifactRejected: as `catalogue` does.
    """
    ids = _decoded(path, content, tuple[Id, ...], "a list of ids")
    if len(set(ids)) != len(ids):
        raise ArtifactRejected(path, "a user id occurs twice")
    return ids


def _decoded[T](path: Path, content: bytes, kind: type[T], what: str) -> T:
    try:
        return msgspec.json.decode(content, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as fault:
        raise ArtifactRejected(path, f"is not {what} ({fault})") from fault
