"""The pipeline's Parquet files, in the data set's ordinals."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from pyarrow import compute, parquet

from training.datasets import Dataset
from training.datasets.errors import DataError

DONE: Final = "pipeline.json"
"""What the pipeline writes last."""

type Columns = dict[str, NDArray[Any]]
"""A table's columns by name, all of one length."""


@dataclass(frozen=True, slots=True)
class Tables:
    """A folder of the pipeline, read with the ordinals of a data set.

    ``users`` and ``items`` are int64: the data set's ordinal of each of the pipeline's.
    """

    folder: Path
    users: NDArray[np.int64]
    items: NDArray[np.int64]

    @classmethod
    def of(cls, folder: Path, dataset: Dataset) -> Tables:
        """Look up the pipeline's users and items in the data set.

        Raises:
            DataError: the folder is not whole, or was made from other data.
        """
        if not (folder / DONE).is_file():
            raise DataError(f"{folder}: no whole folder of the pipeline; run `make offline` again")
        users = _located(folder, "user", dataset.user_ids)
        return cls(folder, users, _located(folder, "item", dataset.catalogue.ids))

    def read(self, name: str, order: tuple[str, ...]) -> Columns:
        """Return a table sorted by these columns, the data set's ordinals in their places."""
        table = _read(self.folder / name)
        columns: Columns = {one: table[one].to_numpy() for one in table.column_names}
        for one, ordinals in (
            ("user", self.users),
            ("item", self.items),
            ("neighbour", self.items),
        ):
            if one in columns:
                columns[one] = ordinals[columns[one]]
        places = np.lexsort([columns[one] for one in reversed(order)])
        return {one: column[places] for one, column in columns.items()}

    def vectors(self, name: str, column: str, n_items: int, width: int) -> NDArray[np.float32]:
        """Return a table's lists of floats as float32[n_items, width], zeros for other items."""
        table = _read(self.folder / name)
        flat = compute.list_flatten(table[column]).to_numpy().reshape(-1, width)
        rows = np.zeros((n_items, width), np.float32)
        rows[self.items[table["item"].to_numpy()]] = flat
        return rows


def _located(folder: Path, kind: str, ids: Sequence[str]) -> NDArray[np.int64]:
    table = _read(folder / f"{kind}s").sort_by(kind)
    found = compute.index_in(table[f"{kind}_id"], value_set=pa.array(ids, pa.string()))
    if found.null_count:
        raise DataError(
            f"{folder}: {found.null_count} of its {kind}s are not in the data set; give the "
            "interactions that the pipeline read"
        )
    return np.asarray(found.to_numpy(), np.int64)


def _read(folder: Path) -> pa.Table:
    try:
        return parquet.read_table(folder)
    except (OSError, pa.ArrowException) as fault:
        raise DataError(f"{folder}: cannot be read ({fault}); run `make offline` again") from fault
