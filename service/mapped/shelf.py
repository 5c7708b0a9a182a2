"""A folder of arrays that one process writes and many map, each known again by its file.

A file that was hashed once need not be read again to be known: any write to it, and any change of
its rights, moves the time that the kernel notes (ctime), which no program can set back. So the
seal has the inode, size and times of each file; what differs in any is not mapped. That finds
files that were copied, restored, truncated or changed, by mistake or by somebody else's hand. It
does not find a disk that returns other bits than were written, nor whoever is root.
"""

import mmap
import os
import stat
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO, Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from ranking.folder import opened
from ranking.npy import Content
from ranking.rejected import ArtifactRejected

SEAL: Final = "seal.json"
LARGEST_SEAL: Final = 16 << 20
POPULATE_READ: Final = 22
"""madvise's MADV_POPULATE_READ (Linux 5.14), which Python does not name."""


class Sealed(msgspec.Struct, forbid_unknown_fields=True):
    """One array, and by what its file is known."""

    dtype: str
    shape: tuple[int, ...]
    offset: int
    identity: tuple[int, ...]


class Seal(msgspec.Struct, forbid_unknown_fields=True):
    """What a shelf holds: whose, made by which code, and ``facts`` beside the arrays."""

    manifest: str
    code: str
    arrays: dict[str, Sealed]
    facts: dict[str, Any]


@contextmanager
def created(folder: Path, name: str) -> Iterator[BinaryIO]:
    """Write a file that nobody writes to afterwards, and have it on the disk."""
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("xb") as stream:
        yield stream
        stream.flush()
        os.fsync(stream.fileno())
        os.fchmod(stream.fileno(), 0o444)


def put(folder: Path, name: str, array: NDArray[Any]) -> None:
    """Write an array as NAME.npy."""
    with created(folder, name) as stream:
        np.lib.format.write_array(stream, np.ascontiguousarray(array), (1, 0), allow_pickle=False)


def seal(folder: Path, manifest: str, code: str, facts: Mapping[str, Any]) -> None:
    """Seal all arrays that are there: from now on the shelf may be taken up."""
    arrays = {
        path.relative_to(folder).as_posix(): _sealed(folder, path.relative_to(folder).as_posix())
        for path in sorted(folder.rglob("*.npy"))
    }
    with created(folder, SEAL) as stream:
        stream.write(msgspec.json.encode(Seal(manifest, code, arrays, dict(facts))))


def look_at(folder: Path) -> Seal | None:
    """Return a shelf's seal, if there is a shelf that anybody sealed."""
    try:
        with (folder / SEAL).open("rb") as stream:
            return msgspec.json.decode(stream.read(LARGEST_SEAL), type=Seal)
    except OSError, msgspec.DecodeError:
        return None


def mapped_file(folder: Path, name: str) -> mmap.mmap:
    """Map a file that was just written: read-only, and shared.

    Raises:
        ArtifactRejected: it is no plain file.
    """
    with opened(folder, name) as (file, size):
        return mmap.mmap(file, size, access=mmap.ACCESS_READ, trackfd=False)


def mapped_array(folder: Path, name: str, known: Sealed) -> NDArray[Any]:
    """Map an array whose file is still the one that was sealed.

    Raises:
        ArtifactRejected: it is not.
    """
    with opened(folder, name) as (file, size):
        if identity(os.fstat(file)) != known.identity:
            raise ArtifactRejected(folder / name, "is not the file that was written here")
        memory = mmap.mmap(file, size, access=mmap.ACCESS_READ, trackfd=False)
    return np.ndarray(known.shape, np.dtype(known.dtype), memory, known.offset)


def populate(array: NDArray[Any]) -> None:
    """Have the kernel map all pages of a mapped array now, not one at each first touch."""
    memory = array
    while isinstance(memory, np.ndarray):
        memory = memory.base  # type: ignore[assignment]  # down to the map
    if isinstance(memory, mmap.mmap):
        try:
            memory.madvise(POPULATE_READ)
        except OSError:  # an older kernel, or no room for them: they come when they are touched
            return


def identity(told: os.stat_result) -> tuple[int, ...]:
    """Return what a file is known by; -1 where others may write to it."""
    loose = told.st_mode & (stat.S_IWUSR | stat.S_IWGRP | stat.S_IWOTH)
    times = (told.st_mtime_ns, told.st_ctime_ns)
    return (-1 if loose else told.st_ino, told.st_size, told.st_uid, *times)


def contents(folder: Path, names: list[str]) -> dict[str, Content]:
    """Map files that were just written, by name."""
    return {name: mapped_file(folder, name) for name in names}


def _sealed(folder: Path, name: str) -> Sealed:
    with (folder / name).open("rb") as stream:
        np.lib.format.read_magic(stream)
        shape, _, dtype = np.lib.format.read_array_header_1_0(stream)
        return Sealed(dtype.str, shape, stream.tell(), identity(os.fstat(stream.fileno())))
