"""From the service's streams to Parquet files, each entry once."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from features import keys
from features.client import Client
from training.logs import tables
from training.logs.files import LogFiles, opened
from training.logs.tables import Entry, Made
from training.progress import Progress, silent


@dataclass(frozen=True, slots=True)
class Log:
    """A log: its streams, and how so many of their entries at a time become a file."""

    keys: tuple[str, ...]
    table: Callable[[Sequence[Entry]], Made]
    entries_per_file: int
    entries_per_read: int


_PARTITIONS: Final = range(keys.PARTITIONS)

LOGS: Final[Mapping[str, Log]] = {
    "events": Log(tuple(map(keys.events, _PARTITIONS)), tables.events, 100_000, 1000),
    "slates": Log(tuple(map(keys.served, _PARTITIONS)), tables.slates, 20_000, 1000),
    # A record may be 100 kB and more.
    "features": Log((keys.SERVED_FEATURES,), tables.features, 100, 20),
}
"""The logs by name, which is that of their folder."""


@dataclass(frozen=True, slots=True)
class Exported:
    """What one export of a log did.

    ``unreadable`` entries are in no file. ``gap`` tells that a stream had dropped the last entry
    that was exported before, and maybe others behind it: export more often.
    """

    entries: int = 0
    files: int = 0
    unreadable: int = 0
    gap: bool = False


def export(client: Client, folder: Path, progress: Progress = silent) -> dict[str, Exported]:
    """Bring every log in ``folder`` up to now, from where the last export ended.

    Whenever it is killed, the next one goes on behind the last whole file: no entry is lost or
    there twice.

    Raises:
        DataError: another export is writing there; redis.RedisError: the store is gone.
    """
    return {name: export_log(client, folder / name, name, progress) for name in LOGS}


def export_log(client: Client, folder: Path, name: str, progress: Progress = silent) -> Exported:
    """Bring one log up to now; raises what `export` does."""
    log, step = LOGS[name], f"export {name}"
    with opened(folder) as files:
        total = sum(int(client.xlen(key)) for key in log.keys)
        done = Exported(gap=any(_dropped(client, key, files.cursor) for key in log.keys))
        progress(step, 0, total)
        for entries in _batches(_tail(client, log, files.cursor), log.entries_per_file):
            done = _keep(entries, log, files, done)
            progress(step, done.entries, max(total, done.entries))
        progress(step, done.entries, done.entries)
    return done


def _keep(entries: Sequence[Entry], log: Log, files: LogFiles, done: Exported) -> Exported:
    """Write entries to as many files as their tables need."""
    cursor = dict(files.cursor)
    while entries:
        table, taken, unreadable = log.table(entries)
        cursor |= {entry.key: entry.entry_id for entry in entries[:taken]}
        if table is not None:
            files.write(table, cursor)
        done = replace(
            done,
            entries=done.entries + taken,
            files=done.files + (table is not None),
            unreadable=done.unreadable + unreadable,
        )
        entries = entries[taken:]
    return done


def _tail(client: Client, log: Log, cursor: Mapping[str, str]) -> Iterator[Entry]:
    """Yield the entries behind the cursor, stream by stream, each oldest first."""
    for key in log.keys:
        start, more = f"({cursor[key]}" if key in cursor else "-", True
        while more:
            found = _range(client, key, start, "+", log.entries_per_read)
            yield from found
            more = len(found) == log.entries_per_read
            if found:
                start = f"({found[-1].entry_id}"


def _batches(entries: Iterator[Entry], size: int) -> Iterator[list[Entry]]:
    batch: list[Entry] = []
    for entry in entries:
        batch.append(entry)
        if len(batch) == size:
            yield batch
            batch = []
    if batch:
        yield batch


def _dropped(client: Client, key: str, cursor: Mapping[str, str]) -> bool:
    """Tell whether the entry that was exported last is not in its stream any more."""
    last = cursor.get(key)
    if last is None or not client.xlen(key):
        return False
    return not _range(client, key, last, last, 1)


def _range(client: Client, key: str, first: str, last: str, most: int) -> list[Entry]:
    found = client.execute_command("XRANGE", key, first, last, "COUNT", most)  # type: ignore[no-untyped-call]  # redis-py's
    return [Entry(key, entry_id.decode(), fields) for entry_id, fields in found]
