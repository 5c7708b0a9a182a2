"""Anybody's data: interactions, items and users as CSV or Parquet."""

from pathlib import Path
from typing import Final

import numpy as np
import pyarrow
from numpy.typing import NDArray
from pyarrow import compute

from features.errors import SchemaInvalid
from features.schema import Schema
from features.types import Rows
from ranking.catalogue import Catalogue
from training.datasets.columns import feature, milliseconds, properties
from training.datasets.dataset import Dataset
from training.datasets.errors import DataError
from training.datasets.files import read_table
from training.datasets.rows import lay_out
from training.interactions import Interactions

NOT_FEATURES: Final = frozenset({"item_id", "user_id", "title"})


def read(interactions: Path, items: Path | None = None, users: Path | None = None) -> Dataset:
    """Read tables whose kind the suffix tells: .csv, .tsv, .parquet.

    ``interactions`` needs the columns user_id, item_id and timestamp; any other, such as rating,
    is ignored, since every interaction counts. ``items`` needs item_id, ``users`` user_id; each
    further column becomes a feature, and an item's columns are its properties in responses,
    ``title`` above all. Items and users that only the interactions know get the defaults.

    Raises:
        DataError: names the file, the column and what to change.
    """
    table = read_table(interactions, ("user_id", "item_id", "timestamp"))
    if not len(table):
        raise DataError(f"{interactions}: holds no interactions; give at least one")
    item_ids, item_table = _ids("item_id", table, items)
    user_ids, user_table = _ids("user_id", table, users)
    item_schema, item_rows = _rows("item", items, item_table, len(item_ids))
    user_schema, user_rows = _rows("user", users, user_table, len(user_ids))
    known = [properties(record) for record in item_table.to_pylist()] if item_table else []
    names = tuple(item_ids.to_pylist())
    return Dataset(
        name=interactions.stem,
        catalogue=Catalogue(names, (*known, *({"title": name} for name in names[len(known) :]))),
        user_ids=tuple(user_ids.to_pylist()),
        interactions=Interactions.of(
            users=_ordinals(table["user_id"], user_ids),
            items=_ordinals(table["item_id"], item_ids),
            times=milliseconds(interactions, "timestamp", table["timestamp"]),
            n_users=len(user_ids),
        ),
        item_schema=item_schema,
        item_rows=item_rows,
        user_schema=user_schema,
        user_rows=user_rows,
    )


def _ids(
    name: str, interactions: pyarrow.Table, path: Path | None
) -> tuple[pyarrow.Array, pyarrow.Table | None]:
    """Return the ids, the table's own ahead of those only interactions know, and the table."""
    seen = interactions[name].unique()
    if path is None:
        return seen, None
    table = read_table(path, (name,))
    listed = table[name].combine_chunks()
    counts = listed.value_counts()
    if len(counts) != len(listed):
        twice = next(entry["values"] for entry in counts.to_pylist() if entry["counts"] > 1)
        raise DataError(f"{path}: {name} {twice!r} stands in more than one row; keep one")
    strangers = seen.filter(compute.invert(compute.is_in(seen, listed)))
    return pyarrow.concat_arrays([listed, strangers]), table


def _ordinals(column: pyarrow.ChunkedArray, ids: pyarrow.Array) -> NDArray[np.int32]:
    return np.asarray(compute.index_in(column, value_set=ids).to_numpy(), dtype=np.int32)


def _rows(name: str, path: Path | None, table: pyarrow.Table | None, n: int) -> tuple[Schema, Rows]:
    if path is None or table is None:
        return lay_out(name, [], n)
    features = [column for column in table.column_names if column not in NOT_FEATURES]
    try:
        return lay_out(name, [feature(path, column, table[column], n) for column in features], n)
    except SchemaInvalid as fault:
        raise DataError(f"{path}: {fault}; rename that column to letters, digits and _") from fault
