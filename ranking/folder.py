"""Files of a folder that somebody else wrote: no link is followed, nothing is waited for."""

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from ranking.rejected import ArtifactRejected

_PLAIN: Final = os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK
"""Not to follow a link; not to wait at a pipe for somebody who writes to it."""


def content(folder: Path, name: str, *, size: int | None = None, most: int) -> bytes:
    """Return what is in a regular file, read once: ``size`` bytes of it, or up to ``most``.

    It is opened part by part from the folder on, so that no exchange of a part for a link comes
    in between, and what it is, is asked of what was opened.

    Raises:
        ArtifactRejected: it is a link, a pipe, a device or another size, or cannot be read.
    """
    with opened(folder, name, size=size) as (file, there):
        if there > most:
            raise ArtifactRejected(folder / name, f"has {there} bytes, more than {most}")
        return _read(file, there)


@contextmanager
def opened(folder: Path, name: str, *, size: int | None = None) -> Iterator[tuple[int, int]]:
    """Open a regular file, of ``size`` bytes where that is known; yield descriptor and size.

    Raises:
        ArtifactRejected: as `content` does.
    """
    path = folder / name
    try:
        with _opened(folder, name.split("/")) as file:
            told = os.fstat(file)
            if not stat.S_ISREG(told.st_mode):
                raise ArtifactRejected(path, "is no file", "put the file itself there")
            if size is not None and told.st_size != size:
                raise ArtifactRejected(path, f"has {told.st_size} bytes, the manifest says {size}")
            yield file, told.st_size
    except OSError as fault:
        if path.is_symlink() or path.parent.is_symlink():
            raise ArtifactRejected(
                path, "is a symbolic link", "put the file itself there"
            ) from fault
        raise ArtifactRejected(path, f"cannot be read ({fault.strerror})") from fault


@contextmanager
def _opened(folder: Path, parts: list[str]) -> Iterator[int]:
    """Open a file below a folder; yield its descriptor."""
    *above, last = parts
    held = os.open(folder, _PLAIN | os.O_DIRECTORY)
    try:
        for part in above:
            held, before = os.open(part, _PLAIN | os.O_DIRECTORY, dir_fd=held), held
            os.close(before)
        held, before = os.open(last, _PLAIN, dir_fd=held), held
        os.close(before)
        yield held
    finally:
        os.close(held)


def _read(file: int, size: int) -> bytes:
    """Read so many bytes, or fewer where the file has become shorter: its digest tells."""
    with open(file, "rb", closefd=False) as stream:
        return stream.read(size)
