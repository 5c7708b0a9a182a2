"""Where exposures and events are read from: the store's streams, or files exported from them."""

from collections.abc import Iterable, Iterator
from itertools import chain
from pathlib import Path
from typing import Any, Final

import msgspec

from features import keys
from features.client import Client
from features.events import Event, Recorded
from features.exposures import FIELD, Exposure
from features.streams import entries

EXPOSURES: Final = "exposures"
EVENTS: Final = "events"


class ExportMissing(Exception):
    """A folder does not hold what was exported; the message says what is missing."""


def stored_exposures(client: Client) -> Iterator[Exposure]:
    """Yield what the stream of exposures holds, oldest first."""
    decode = msgspec.json.Decoder(Exposure).decode
    return map(decode, entries(client, keys.EXPOSURES, FIELD))


def stored_events(client: Client) -> Iterator[Event]:
    """Yield what the streams of events hold, partition by partition."""
    decode = msgspec.json.Decoder(Recorded).decode
    streams = (entries(client, keys.events(part), "event") for part in range(keys.PARTITIONS))
    return (decode(one).event for one in chain.from_iterable(streams))


def stored(client: Client) -> tuple[int, int]:
    """Return how many entries there are: of exposures, and of events in all partitions."""
    streams = (keys.EXPOSURES, *map(keys.events, range(keys.PARTITIONS)))
    shown, *done = (int(client.xlen(stream)) for stream in streams)
    return shown, sum(done)


def exported[T](folder: Path, name: str, kind: type[T]) -> Iterator[T]:
    """Yield the records of ``name.jsonl`` or ``name.parquet`` in a folder.

    Raises:
        ExportMissing: there is neither, or a record is no such one.
    """
    lines, table = folder / f"{name}.jsonl", folder / f"{name}.parquet"
    if not lines.is_file() and not table.is_file():
        raise ExportMissing(f"{folder} has neither {lines.name} nor {table.name}")
    try:
        if lines.is_file():
            decode = msgspec.json.Decoder(kind).decode
            with lines.open("rb") as file:
                yield from (decode(line) for line in file if line.strip())
        else:
            yield from (msgspec.convert(row, kind) for row in _rows(table))
    except msgspec.MsgspecError as fault:
        raise ExportMissing(f"{folder}/{name}: {fault}") from fault


def export(folder: Path, name: str, records: Iterable[Exposure] | Iterable[Event]) -> int:
    """Write records to ``name.jsonl``, one a line; return how many."""
    folder.mkdir(parents=True, exist_ok=True)
    encode, count = msgspec.json.Encoder().encode, 0
    with (folder / f"{name}.jsonl").open("wb") as file:
        for record in records:
            file.write(encode(record) + b"\n")
            count += 1
    return count


def _rows(table: Path) -> Iterator[dict[str, Any]]:
    """Yield rows, without what is null: that is how a table leaves a field out."""
    from pyarrow import parquet

    for batch in parquet.ParquetFile(table).iter_batches():
        for row in batch.to_pylist():
            yield {
                name: dict(value) if isinstance(value, list) else value
                for name, value in row.items()
                if value is not None
            }
