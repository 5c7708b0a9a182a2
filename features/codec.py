"""Feature rows as bytes: a 16-byte header and ``width`` little-endian float32 values.

    offset 0   uint16  magic 0xB41D
           2   uint16  schema version
           4   uint32  payload length in bytes (4 x width)
           8   uint64  fingerprint of the id the row belongs to
          16   float32[width]

The length is checked because `numpy.frombuffer` takes a row that is four bytes short without
a word; the fingerprint ties a row to its key, so that no mix-up on the way can pass unseen.
A row that fails any check counts as missing: it is refused, never guessed at.
"""

from collections.abc import Iterable, Sequence
from hashlib import blake2b

import numpy as np
from numpy.typing import NDArray

from features.schema import Schema
from features.types import Mask, Rows

MAGIC = 0xB41D
HEADER_BYTES = 16

REFUSED, IMPUTED = 0, 1

type Fingerprints = NDArray[np.uint64]
type Odd = NDArray[np.int64]
"""int64[2], counted up by whoever decodes: rows `REFUSED`, and rows of which values were `IMPUTED`.
"""
type Grid = NDArray[np.uint8]


def fingerprints(ids: Iterable[str]) -> Fingerprints:
    """Return the 64-bit BLAKE2b fingerprint of each id, uint64[n]."""
    digests = b"".join(blake2b(item.encode(), digest_size=8).digest() for item in ids)
    return np.frombuffer(digests, dtype="<u8").astype(np.uint64)


def row_bytes(schema: Schema) -> int:
    """Return the bytes one encoded row takes."""
    return HEADER_BYTES + 4 * schema.width


def encode_rows(rows: Rows, owners: Fingerprints, schema: Schema) -> list[bytes]:
    """Encode float32[n, width] rows, one bytes value per row.

    Raises:
        ValueError: the shapes disagree, or a value is NaN or infinite.
    """
    if rows.shape != (len(owners), schema.width):
        raise ValueError(f"rows {rows.shape}: expected ({len(owners)}, {schema.width})")
    bad = ~np.isfinite(rows)
    if bad.any():
        row, column = np.argwhere(bad)[0]
        raise ValueError(f"row {row}: {schema.columns[column]!r} is not a finite number")
    head = np.empty((len(owners), 2), dtype="<u8")
    head[:, 0] = stamp(schema)
    head[:, 1] = owners
    grid = np.hstack([head.view(np.uint8), np.ascontiguousarray(rows, "<f4").view(np.uint8)])
    return [row.tobytes() for row in grid]


def no_odd() -> Odd:
    """Return counters that stand at 0."""
    return np.zeros(2, np.int64)


def decode_grid(
    grid: Grid, owners: Fingerprints, schema: Schema, odd: Odd | None = None
) -> tuple[Rows, Mask]:
    """Decode uint8[n, row_bytes] without touching one Python object per row.

    Returns:
        ``(rows float32[n, width], present bool[n])``, both new arrays; a refused row is the
        schema's default, and so is each value of a stored row that is not finite.
    """
    # Two plain uint64 columns, not a structured dtype: those scale backwards over threads.
    head = np.ascontiguousarray(grid[:, :HEADER_BYTES]).view("<u8")
    payload = np.array(grid[:, HEADER_BYTES:], order="C")
    rows: Rows = payload.view("<f4").astype(np.float32, copy=False)
    present: Mask = (head[:, 0] == stamp(schema)) & (head[:, 1] == owners)
    # Counted, as `all` takes ten times as long to begin, and most reads are of one user's row.
    if (found := np.count_nonzero(present)) < len(rows):
        rows[~present] = schema.default_row
        if odd is not None:
            odd[REFUSED] += len(rows) - found
    finite = np.isfinite(rows)
    if np.count_nonzero(finite) < finite.size:
        if odd is not None:
            odd[IMPUTED] += np.count_nonzero(~finite.all(axis=1))
        rows = np.where(finite, rows, schema.default_row)
    return rows, present


def decode_rows(
    values: Sequence[bytes | None], owners: Fingerprints, schema: Schema, odd: Odd | None = None
) -> tuple[Rows, Mask]:
    """Decode rows of which some may be absent, short or foreign; return what `decode_grid` does."""
    size = row_bytes(schema)
    blank = bytes(size)  # its magic is zero: refused like any other foreign row
    whole = [blank if value is None or len(value) != size else value for value in values]
    grid = np.frombuffer(b"".join(whole), dtype=np.uint8).reshape(len(whole), size)
    found = decode_grid(grid, owners, schema, odd)
    if odd is not None and (absent := values.count(None)):
        odd[REFUSED] -= absent  # nobody stored them, so nobody refused them
    return found


def stamp(schema: Schema) -> np.uint64:
    """Return the first eight bytes of each row of a schema, as one number."""
    return np.uint64(MAGIC | schema.version << 16 | (4 * schema.width) << 32)
