"""One request's features as they were served: what was scored, by what, and what came of it.

    offset 0   4 bytes  "BSF1"
           4   uint32   length m of the header, little-endian
           8   m bytes  the header: msgpack, see `Head`
       8 + m   float32[n, f] rows, then float32[n] scores, little-endian

The rows travel as the bytes they were scored as: what training reads is what the model saw.
"""

from dataclasses import dataclass
from typing import Final

import msgspec
import numpy as np

from features import keys
from features.resp import command
from features.types import Rows, Scores

MAGIC: Final = b"BSF1"
RECORD: Final = "record"
"""The field of a stream's entry."""
RECORDS_KEPT: Final = 2000
"""About. 500 rows of 57 columns are 114 kB, so these are some 230 MB of the store's memory."""


class Head(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a record says besides numbers.

    ``timestamp_ms`` is milliseconds since the epoch, when the answer was made. ``user_id`` is None
    for an anonymous session. ``columns`` names the rows' columns, ``item_ids`` the rows; ``picks``
    are the rows that were shown, first place first.
    """

    request_id: str
    timestamp_ms: int
    user_id: str | None
    surface: str
    variant: str
    model_version: str
    columns: tuple[str, ...]
    item_ids: tuple[str, ...]
    picks: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class ServedFeatures:
    """A head with its ``rows`` float32[n, f] and ``scores`` float32[n]."""

    head: Head
    rows: Rows
    scores: Scores


_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(Head)


def encode(served: ServedFeatures) -> bytes:
    """Return a record's bytes."""
    head = _encoder.encode(served.head)
    numbers = (np.ascontiguousarray(part, "<f4").tobytes() for part in (served.rows, served.scores))
    return b"".join((MAGIC, len(head).to_bytes(4, "little"), head, *numbers))


def decode(record: bytes) -> ServedFeatures:
    """Read a record's bytes.

    Raises:
        ValueError: they are none, or contradict themselves.
    """
    size = int.from_bytes(record[4:8], "little")
    if record[:4] != MAGIC or len(record) < 8 + size:
        raise ValueError("these bytes are no record of served features")
    head = _decoder.decode(record[8 : 8 + size])  # its error is a ValueError
    n, width = len(head.item_ids), len(head.columns)
    body = record[8 + size :]
    if len(body) != 4 * n * (width + 1):
        raise ValueError(f"{len(body)} bytes are not {n} rows of {width} columns with a score each")
    if not all(0 <= pick < n for pick in head.picks):
        raise ValueError(f"a pick is none of the {n} rows")
    numbers = np.frombuffer(body, "<f4").astype(np.float32)
    return ServedFeatures(head, numbers[: n * width].reshape(n, width), numbers[n * width :])


def append_command(served: ServedFeatures) -> bytes:
    """Return the command that puts a record into the stream."""
    words = ("XADD", keys.SERVED_FEATURES, "MAXLEN", "~", RECORDS_KEPT, "*", RECORD)
    return command(*words, encode(served))
