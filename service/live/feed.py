"""The events of all partitions as they come, each once, after the counts of those before."""

import time
from collections.abc import Iterator
from typing import Any, Final, NamedTuple

import msgspec
import redis

from features import keys
from features.client import Client, by_node
from features.events import BUCKETS, Recorded
from features.live import KINDS, Counts

ENTRIES_PER_READ: Final = 200
"""Of each partition's stream."""
POLL_S: Final = 0.05
"""No command waits for the streams of several of a cluster's slots: we ask so often."""

# One moment of a partition: the number and the id of its last event, and all that is counted.
LOAD_SCRIPT: Final = """
local last = '0-0'
if redis.call('EXISTS', KEYS[1]) == 1 then
    local about = redis.call('XINFO', 'STREAM', KEYS[1])
    for i = 1, #about, 2 do
        if about[i] == 'last-generated-id' then last = about[i + 1] end
    end
end
local found = {redis.call('GET', KEYS[2]) or '0', last}
for i = 3, #KEYS do
    local counts = redis.call('HGETALL', KEYS[i])
    if #counts > 0 then
        found[#found + 1] = i - 3
        found[#found + 1] = counts
    end
end
return found
"""


class EventsMissed(Exception):
    """A stream lacks events that came since it was read: what is counted has to be loaded anew."""


class Arrival(NamedTuple):
    """An event, and when the store took it: microseconds of the store's clock."""

    recorded: Recorded
    arrived_us: int


class Feed:
    """Reads through one client, from one thread."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._decode = msgspec.json.Decoder(Recorded).decode
        self._names = [keys.events(number) for number in range(keys.PARTITIONS)]
        self._places = {name.encode(): number for number, name in enumerate(self._names)}
        self._last: list[bytes] = []
        self._numbers: list[int] = []

    def load(self, now: int) -> Counts:
        """Return what the store has counted until now, a bucket; `follow` goes on from there.

        Raises:
            redis.RedisError: the store refused or is gone.
        """
        counts = Counts(now)
        # One more than a window has: a store whose clients' clocks differ may be ahead.
        buckets = range(now - BUCKETS + 1, now + 2)
        partitions: list[Any] = [None] * keys.PARTITIONS
        for node, numbers in by_node(self._client, self._names):
            with node.pipeline(transaction=False) as pipeline:
                for number in numbers:
                    names = [self._names[number], keys.serial(number)]
                    names += [keys.counts(number, bucket) for bucket in buckets]
                    pipeline.execute_command("EVAL_RO", LOAD_SCRIPT, len(names), *names)  # type: ignore[no-untyped-call]  # redis-py's
                for number, found in zip(numbers, pipeline.execute(), strict=True):
                    partitions[number] = found
        for _, _, *found in partitions:
            for place, fields in zip(found[::2], found[1::2], strict=True):
                for field, amount in zip(fields[::2], fields[1::2], strict=True):
                    _add(counts, buckets[place], field.decode(errors="replace"), amount)
        self._numbers = [int(number) for number, *_ in partitions]
        self._last = [last for _, last, *_ in partitions]
        return counts

    def follow(self, wait_ms: int) -> list[Arrival]:
        """Return the events that came since; wait for the first of them, ``wait_ms`` at most.

        Raises:
            EventsMissed: there were more, which the streams do not have any more.
            redis.RedisError: the store refused or is gone.
        """
        arrivals = []
        for name, entries in self._read(wait_ms):
            number = self._places[name]
            for entry_id, fields in entries:
                self._last[number] = entry_id
                self._numbers[number] += 1
                if fields.get(b"number") != b"%d" % self._numbers[number]:
                    raise EventsMissed(f"{name.decode()}: expected {self._numbers[number]}")
                recorded = self._decode(fields[b"event"])
                arrivals.append(Arrival(recorded, int(fields[b"arrived_us"])))
        return arrivals

    def _read(self, wait_ms: int) -> list[Any]:
        """Return the names of streams with their new entries."""
        if isinstance(self._client, redis.Redis):
            words = ["XREAD", "COUNT", ENTRIES_PER_READ, "BLOCK", max(wait_ms, 1), "STREAMS"]
            told: Any = self._client.execute_command(*words, *self._names, *self._last)  # type: ignore[no-untyped-call]  # redis-py's
            return list(told or ())
        found = list(self._read_nodes())
        if not found:
            time.sleep(min(POLL_S, wait_ms / 1e3))
        return found

    def _read_nodes(self) -> Iterator[Any]:
        for node, numbers in by_node(self._client, self._names):
            with node.pipeline(transaction=False) as pipeline:
                for number in numbers:
                    pipeline.execute_command(*self._read_one(number))  # type: ignore[no-untyped-call]  # redis-py's
                told = pipeline.execute(raise_on_error=False)
            for number, streams in zip(numbers, told, strict=True):
                if isinstance(streams, redis.ResponseError):  # it moved: this one follows it
                    streams = self._client.execute_command(*self._read_one(number))  # type: ignore[no-untyped-call]  # redis-py's  # noqa: PLW2901
                elif isinstance(streams, Exception):
                    raise streams
                yield from streams or ()

    def _read_one(self, number: int) -> tuple[Any, ...]:
        words = ("XREAD", "COUNT", ENTRIES_PER_READ, "STREAMS")
        return (*words, self._names[number], self._last[number])


def _add(counts: Counts, bucket: int, field: str, amount: bytes) -> None:
    """Add a field of a hash: the kind is its first letter, the rest the item.

    What is none of ours is passed over: it would be in the way again at every load.
    """
    if field[:1] in KINDS and len(field) > 1 and amount.removeprefix(b"-").isdigit():
        counts.add(bucket, field[0], field[1:], int(amount))
