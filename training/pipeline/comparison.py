"""Two runs of the pipeline, row by row and bit by bit."""

import hashlib
from pathlib import Path

import pyarrow as pa
from pyarrow import parquet


def differences(one: Path, other: Path, names: tuple[str, ...]) -> list[str]:
    """Return the names of the tables whose rows, in whatever order, are not the same bits."""
    return [name for name in names if digest(one / name) != digest(other / name)]


def digest(folder: Path) -> str:
    """Return a sha256 of a table's rows, sorted by its whole-numbered columns and texts.

    These must tell rows apart, as they do in every table of the pipeline.
    """
    table = parquet.read_table(folder)
    table = table.select(sorted(table.column_names))
    wide = [
        field.with_type(pa.int64() if pa.types.is_integer(field.type) else field.type)
        for field in table.schema  # a literal 0 is of 32 bits to one engine and of 64 to another
    ]
    table = table.cast(pa.schema(wide))
    exact = [field.name for field in table.schema if not pa.types.is_floating(field.type)]
    table = table.sort_by([(name, "ascending") for name in exact])
    found = hashlib.sha256()
    for name in table.column_names:
        column = table[name].combine_chunks()
        found.update(f"{name} {column.type} {len(column)} {column.null_count};".encode())
        for buffer in pa.concat_arrays([column]).buffers()[1:]:
            found.update(buffer or b"")
    return found.hexdigest()
