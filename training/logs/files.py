"""A folder of Parquet files that only grows, and knows how far it has come."""

import fcntl
import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import pyarrow as pa
from pyarrow import parquet

from training.datasets.errors import DataError

CURSOR: Final = b"braid.cursor"
"""In a file's metadata: the last entry of each stream that is in this file or one before."""

_UNFINISHED: Final = ".part"


class LogFiles:
    """The files of one log, ``00000001.parquet`` and so on.

    What says how far an export has come stands in the last file itself, which one rename makes
    visible: whenever whoever writes is killed, an entry is in the files and counted as exported,
    or neither.
    """

    def __init__(self, folder: Path) -> None:
        """Take up the work in ``folder``; see `opened`."""
        self._folder = folder
        for unfinished in folder.glob(f"*{_UNFINISHED}"):
            unfinished.unlink()
        files = log_files(folder)
        self._number = int(files[-1].stem) if files else 0
        self.cursor: dict[str, str] = _cursor(files[-1]) if files else {}

    def write(self, table: pa.Table, cursor: Mapping[str, str]) -> Path:
        """Add a file that brings the export to ``cursor``."""
        metadata = {**(table.schema.metadata or {}), CURSOR: json.dumps(dict(cursor)).encode()}
        number = self._number + 1
        path = self._folder / f"{number:08d}.parquet"
        scratch = path.with_suffix(_UNFINISHED)
        words = [field.name for field in table.schema if pa.types.is_string(field.type)]
        with scratch.open("wb") as stream:
            parquet.write_table(
                table.replace_schema_metadata(metadata),
                stream,
                compression="zstd",
                use_dictionary=words,  # a dictionary of floats may take one NaN for another
            )
            stream.flush()
            os.fsync(stream.fileno())
        scratch.rename(path)
        _sync(self._folder)
        self._number, self.cursor = number, dict(cursor)
        return path


@contextmanager
def opened(folder: Path) -> Iterator[LogFiles]:
    """Take up an export into ``folder``, alone.

    Raises:
        DataError: somebody else is exporting into it, or its last file is none of ours.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / ".lock").open("wb") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)  # the kernel lets go if we are killed
        except BlockingIOError as fault:
            raise DataError(f"{folder}: another export is writing there; let it finish") from fault
        yield LogFiles(folder)


def log_files(folder: Path) -> list[Path]:
    """Return the files of a log, oldest first."""
    return sorted(path for path in folder.glob("*.parquet") if path.stem.isdigit())


def _cursor(path: Path) -> dict[str, str]:
    try:
        found = json.loads((parquet.read_schema(path).metadata or {})[CURSOR])
    except (OSError, ValueError, KeyError, pa.ArrowException) as fault:
        raise DataError(f"{path}: is no file of an export ({fault}); use a folder apart") from fault
    return {str(key): str(entry) for key, entry in found.items()}


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
