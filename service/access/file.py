"""The file of keys: JSON, hashes only, rewritten whole or not at all."""

import fcntl
import os
import secrets
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

import msgspec
from msgspec import Struct

from service.access.record import Record

PRIVATE = 0o600


class KeysRejected(Exception):
    """The file is not there or cannot be used."""


class _Document(Struct, frozen=True, forbid_unknown_fields=True):
    version: Literal[1]
    keys: list[Record]


def load(path: Path) -> list[Record]:
    """Read the records.

    Raises:
        KeysRejected: the file cannot be read, or is not what `save` writes.
    """
    try:
        records = msgspec.json.decode(path.read_bytes(), type=_Document).keys
    except OSError as fault:
        raise KeysRejected(f"cannot be read: {fault.strerror}") from fault
    except (msgspec.DecodeError, UnicodeDecodeError) as fault:
        raise KeysRejected(f"cannot be used: {fault}") from fault
    for field in ("name", "id"):
        values = [getattr(record, field) for record in records]
        if twice := next((one for one in values if values.count(one) > 1), None):
            raise KeysRejected(f"cannot be used: two keys have the {field} {twice!r}")
    return records


def save(path: Path, records: Sequence[Record]) -> None:
    """Write the file anew, readable by its owner alone; whoever reads it sees all or nothing new.

    Raises:
        OSError: it cannot be written; the old one is as it was.
    """
    path = path.resolve()  # a link stays a link
    text = msgspec.json.encode(_Document(1, list(records)), order="deterministic")
    beside = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, PRIVATE)
    try:
        with os.fdopen(descriptor, "wb") as file:
            _keep_owner(path, descriptor)
            file.write(msgspec.json.format(text, indent=2) + b"\n")
            file.flush()
            os.fsync(descriptor)
        beside.replace(path)
    except BaseException:
        beside.unlink(missing_ok=True)
        raise


@contextmanager
def changing(path: Path) -> Iterator[list[Record]]:
    """Let one command at a time read the records (none where there is no file yet) and save.

    Raises:
        KeysRejected: the file that is there cannot be used.
        OSError: its folder is not there or not ours.
    """
    folder = os.open(path.resolve().parent, os.O_RDONLY)
    try:
        fcntl.flock(folder, fcntl.LOCK_EX)
        yield load(path) if path.exists() else []
    finally:
        os.close(folder)


def _keep_owner(path: Path, descriptor: int) -> None:
    """Give the new file to whom the old one belongs: root writes what the service has to read."""
    if os.geteuid() == 0 and path.exists():
        found = path.stat()
        os.fchown(descriptor, found.st_uid, found.st_gid)
