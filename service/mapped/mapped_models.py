"""Artifacts, laid out once on a machine and mapped by all of its replicas."""

import fcntl
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import mkdtemp
from typing import Final

from ranking.artifact import ArtifactRejected, read_both, stated_files
from service.mapped.lay_out import lay_out
from service.mapped.take_up import Loaded, take_up

KEPT: Final = 3
"""Shelves: of the model that serves, the one before, and the next. What is mapped lives on."""


class MappedModels:
    """Reads artifacts, by way of a folder of shelves; without a folder each is this process's own.

    The folder is this user's alone: whoever can write to it can make the service rank anything.
    """

    def __init__(self, folder: Path | None) -> None:
        self._folder = folder

    def read(self, artifact: Path) -> Loaded:
        """Return the model in an artifact's folder.

        Raises:
            ArtifactRejected: it is not whole, or cannot be laid out.
        """
        if self._folder is None:
            return Loaded(*read_both(artifact))
        try:
            return self._read(self._folder, artifact)
        except OSError as fault:
            raise ArtifactRejected(
                self._folder, f"cannot be written ({fault.strerror})", "make room, or name another"
            ) from fault

    def _read(self, folder: Path, artifact: Path) -> Loaded:
        manifest, _ = stated_files(artifact)
        shelf = folder / f"{artifact.name}-{manifest['sha256'][:16]}"
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        with _alone(folder):
            try:
                found = take_up(artifact, shelf)
            except ArtifactRejected as fault:
                if not fault.file.is_relative_to(shelf):
                    raise
                found = None  # a shelf is made again as often as need be
            if found is None:
                _make(artifact, folder, shelf)
                _clear(folder, shelf)
                found = take_up(artifact, shelf)
        if found is None:
            raise ArtifactRejected(shelf, "is not what was just written", "look at the disk")
        return found


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Wait until no other replica of this machine is laying out."""
    with (folder / ".lock").open("wb") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _make(artifact: Path, folder: Path, shelf: Path) -> None:
    scratch = Path(mkdtemp(dir=folder, prefix=".making-"))
    try:
        lay_out(artifact, scratch)
        shutil.rmtree(shelf, ignore_errors=True)
        scratch.rename(shelf)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def _clear(folder: Path, latest: Path) -> None:
    """Remove what a process left that was killed, and all but the latest shelves."""
    for scratch in folder.glob(".making-*"):
        shutil.rmtree(scratch, ignore_errors=True)
    shelves = sorted(folder.glob("*/seal.json"), key=lambda path: path.stat().st_mtime_ns)
    for path in shelves[:-KEPT]:
        if path.parent != latest:
            shutil.rmtree(path.parent, ignore_errors=True)
