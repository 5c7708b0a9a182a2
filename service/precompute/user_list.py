"""The users to make slates for, from a file."""

from pathlib import Path

import pyarrow as pa
from pyarrow import dataset

from service.errors import Mendable

LONGEST = 128


def read_user_list(path: Path, surface: str) -> list[str]:
    """Return the ids in a file, each once, in the order of their first line or row.

    A text file has one id a line. A Parquet file, or a folder of them, has a column ``user_id``;
    where it has a column ``surface`` too, as `braid log export` writes it, only those of that
    surface count.

    Raises:
        Mendable: it cannot be read, or has no users.
    """
    try:
        if path.is_dir() or path.suffix == ".parquet":
            found = _from_parquet(path, surface)
        else:
            found = list[str | None](path.read_text().splitlines())
    except (OSError, ValueError, pa.ArrowException) as fault:
        raise Mendable(f"{path}: cannot be read as a list of users: {fault}") from fault
    user_ids = list(dict.fromkeys(user for user in found if user))
    if not user_ids:
        raise Mendable(f"{path}: holds no users; give one id a line, or a column user_id")
    if long := next((user for user in user_ids if len(user) > LONGEST), None):
        raise Mendable(f"{path}: {long[:40]!r}... has more than {LONGEST} characters")
    return user_ids


def _from_parquet(path: Path, surface: str) -> list[str | None]:
    rows = dataset.dataset(path, format="parquet")
    if "user_id" not in rows.schema.names:
        raise ValueError(f"there is no column user_id, but {', '.join(rows.schema.names)}")
    only = dataset.field("surface") == surface if "surface" in rows.schema.names else None
    column = rows.to_table(columns=["user_id"], filter=only).column("user_id")
    found: list[str | None] = column.cast(pa.string()).unique().to_pylist()
    return found
