"""A folder of Parquet files, one a shard, beside the job that made them."""

import fcntl
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import msgspec
import pyarrow as pa
from pyarrow import parquet

from service.errors import Mendable
from service.precompute.job import Job, JobSettings
from service.precompute.outputs import OtherJob
from service.precompute.recipe import Made
from service.precompute.table import table_of

MANIFEST: Final = "_job.json"
"""With the underscore that readers of a folder of Parquet pass over."""
_UNFINISHED: Final = ".part"


class Folder:
    """An `Output`: a file has its name once it is whole and on the disk, and not before."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def job(self, settings: JobSettings) -> Job | None:
        """Return the job whose slates are here.

        Raises:
            OtherJob: it is another one.
        """
        path = self._folder / MANIFEST
        try:
            job = msgspec.json.decode(path.read_bytes(), type=Job)
        except FileNotFoundError:
            return None
        except msgspec.DecodeError as fault:
            raise OtherJob(f"{path}: is no job ({fault}); name another folder") from fault
        if differing := job.settings.against(settings):
            raise OtherJob(
                f"{self._folder} holds slates of another {', '.join(differing)}; name another "
                "folder, or empty this one"
            )
        return job

    def begin(self, job: Job) -> None:
        """Note the job."""
        self._keep(MANIFEST, msgspec.json.format(msgspec.json.encode(job)))

    def done(self) -> set[int]:
        """Return the shards whose files are here."""
        return {int(path.stem) for path in self._folder.glob("*.parquet") if path.stem.isdigit()}

    def write(self, shard: int, made: Sequence[Made]) -> None:
        """Write one file; the same slates make the same bytes."""
        sink = pa.BufferOutputStream()
        parquet.write_table(table_of(made), sink, compression="zstd")
        self._keep(f"{shard:08d}.parquet", sink.getvalue())

    def finish(self) -> None:
        """Leave it: a job that is whole is not made again."""

    def _keep(self, name: str, content: bytes | pa.Buffer) -> None:
        scratch = self._folder / f"{name}{_UNFINISHED}"
        with scratch.open("wb") as stream:
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
        scratch.rename(self._folder / name)
        descriptor = os.open(self._folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


@contextmanager
def opened(path: Path) -> Iterator[Folder]:
    """Work in a folder, alone; what a killed job left unfinished is removed.

    Raises:
        Mendable: somebody else is writing there.
    """
    path.mkdir(parents=True, exist_ok=True)
    with (path / ".lock").open("wb") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)  # the kernel lets go if we are killed
        except BlockingIOError as fault:
            raise Mendable(f"{path}: another batch is writing there; let it finish") from fault
        for unfinished in path.glob(f"*{_UNFINISHED}"):
            unfinished.unlink()
        yield Folder(path)
