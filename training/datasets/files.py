"""Table files: CSV, TSV and Parquet, read by suffix."""

from pathlib import Path
from typing import Final

import pyarrow
import pyarrow.compute
import pyarrow.csv
import pyarrow.parquet

from training.datasets.errors import DataError

LONGEST_ID: Final = 128
_IDS: Final = ("user_id", "item_id")


def read_table(path: Path, required: tuple[str, ...]) -> pyarrow.Table:
    """Read a table: its id columns as strings, the required columns there and without gaps.

    Raises:
        DataError: names the file, the column and what to change.
    """
    try:
        table = _read(path)
    except (OSError, pyarrow.ArrowInvalid) as fault:
        raise DataError(f"{path}: cannot be read ({fault})") from fault
    for name in required:
        if name not in table.column_names:
            found = ", ".join(table.column_names)
            raise DataError(f"{path}: no column {name!r} (found: {found}); rename yours to that")
        if table[name].null_count:
            row = pyarrow.compute.index(table[name].is_null(), True).as_py() + 1
            raise DataError(f"{path}: column {name!r} is empty in data row {row}; drop that row")
    for name in _IDS:
        if name in required:
            ids = table[name].cast(pyarrow.string())
            lengths = pyarrow.compute.min_max(pyarrow.compute.utf8_length(ids)).as_py()
            if len(ids) and not 1 <= lengths["min"] <= lengths["max"] <= LONGEST_ID:
                raise DataError(f"{path}: column {name!r} has an id not 1-{LONGEST_ID} long")
            table = table.set_column(table.column_names.index(name), name, ids)
    return table


def _read(path: Path) -> pyarrow.Table:
    if path.suffix == ".parquet":
        return pyarrow.parquet.read_table(path)
    if path.suffix not in {".csv", ".tsv"}:
        raise DataError(f"{path}: cannot tell what it is; name it .csv, .tsv or .parquet")
    return pyarrow.csv.read_csv(
        path,
        parse_options=pyarrow.csv.ParseOptions(
            delimiter="\t" if path.suffix == ".tsv" else ",", newlines_in_values=True
        ),
        # Ids are names, not numbers: "007" is not "7".
        convert_options=pyarrow.csv.ConvertOptions(
            column_types=dict.fromkeys(_IDS, pyarrow.string())
        ),
    )
