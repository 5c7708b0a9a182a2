"""Events from files: three columns, whatever the engine and whatever held them."""

from pathlib import Path

import ibis.expr.types as ir
from ibis.backends import BaseBackend

FIRST_MILLISECONDS = 100_000_000_000
"""A timestamp from here on counts milliseconds (since 1973), below it seconds."""


def events(engine: BaseBackend, path: str) -> ir.Table:
    """Read user_id, item_id (text) and timestamp_ms (int64, Unix milliseconds).

    ``path`` is a CSV or TSV file with a heading, a RecBole ``.inter`` file, or a Parquet file or
    folder, wherever the engine reads from; timestamps are Unix seconds or milliseconds.

    Raises:
        ValueError: the suffix or the columns are none of these.
    """
    raw = _named(_read(engine, path))
    missing = {"user_id", "item_id", "timestamp"} - set(raw.columns)
    if missing:
        raise ValueError(f"{path}: no column {', '.join(sorted(missing))}; rename yours to that")
    if raw.timestamp.type().is_temporal():
        raise ValueError(f"{path}: timestamp is a date-time; give Unix seconds or milliseconds")
    number = raw.timestamp.cast("float64")
    milliseconds = (number < FIRST_MILLISECONDS).ifelse(number * 1000.0, number)
    return raw.select(
        user_id=raw.user_id.cast("string"),
        item_id=raw.item_id.cast("string"),
        timestamp_ms=(milliseconds + 0.5).floor().cast("int64"),
    )


def _read(engine: BaseBackend, path: str) -> ir.Table:
    suffix = Path(path).suffix
    if suffix in {".parquet", ""}:
        return engine.read_parquet(path)
    separators = {".csv": ",", ".tsv": "\t", ".inter": "\t"}
    if suffix not in separators:
        raise ValueError(f"{path}: name it .csv, .tsv, .inter or .parquet")
    # Every column as text: an id such as 007 is a name, not a number.
    if engine.name == "duckdb":
        return engine.read_csv(path, header=True, sep=separators[suffix], all_varchar=True)
    return engine.read_csv(path, header=True, sep=separators[suffix], inferSchema=False)


def _named(table: ir.Table) -> ir.Table:
    """Return the columns without RecBole's types: ``user_id:token`` is ``user_id``."""
    return table.rename({name.partition(":")[0]: name for name in table.columns})
