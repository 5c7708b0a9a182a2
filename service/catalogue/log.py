"""What was put and retired, as Redis keeps it: the latest word on each item, in order."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final, Self

import msgspec
import redis

from features import keys
from features.client import STORE_FAULTS, Deferred

TIMEOUT_S: Final = 1.0
PER_READ: Final = 1000

NAMES: Final = (
    keys.CATALOGUE_ORDER,
    keys.CATALOGUE_ADDED,
    keys.CATALOGUE_PROPERTIES,
    keys.CATALOGUE_FEATURES,
    keys.CATALOGUE_RETIRED,
)

# The server's clock orders the changes of all replicas, and goes on where its data were lost; two
# in a microsecond, or a clock set back, still get serials that rise.
_SERIAL: Final = """
local clock = redis.call('TIME')
local serial = tonumber(clock[1]) * 1000000 + tonumber(clock[2])
local last = tonumber(redis.call('ZRANGE', KEYS[1], -1, -1, 'WITHSCORES')[2] or 0)
if last > serial then serial = last end
local function note(item)
    serial = serial + 1
    local at = string.format('%.0f', serial)
    redis.call('ZADD', KEYS[1], at, item)
    redis.call('HSETNX', KEYS[2], item, at)
end
"""

PUT: Final = (
    _SERIAL
    + """
for i = 1, #ARGV, 3 do
    local item, properties, features = ARGV[i], ARGV[i + 1], ARGV[i + 2]
    if properties ~= '' then redis.call('HSET', KEYS[3], item, properties) end
    if features ~= '' then
        local known = redis.call('HGET', KEYS[4], item)
        if known then
            local merged = cjson.decode(known)
            for name, value in pairs(cjson.decode(features)) do merged[name] = value end
            features = cjson.encode(merged)
        end
        redis.call('HSET', KEYS[4], item, features)
    end
    redis.call('SREM', KEYS[5], item)
    note(item)
end
redis.call('PUBLISH', '{braid:catalogue}', 'put')
"""
)

RETIRE: Final = (
    _SERIAL
    + """
local unknown = 0
for i = 1, #ARGV, 2 do
    local item, served = ARGV[i], ARGV[i + 1] == '1'
    if not served and not redis.call('ZSCORE', KEYS[1], item) then
        unknown = unknown + 1
    elseif redis.call('SADD', KEYS[5], item) == 1 then
        note(item)
    end
end
redis.call('PUBLISH', '{braid:catalogue}', 'retire')
return unknown
"""
)

READ: Final = """
local clock = redis.call('TIME')
local found = redis.call(
    'ZRANGEBYSCORE', KEYS[1], '(' .. ARGV[1], '+inf', 'WITHSCORES', 'LIMIT', 0, ARGV[2])
local told = {clock[1] * 1000000 + clock[2]}
for i = 1, #found, 2 do
    local item = found[i]
    told[#told + 1] = {
        item, found[i + 1], redis.call('HGET', KEYS[2], item), redis.call('HGET', KEYS[3], item),
        redis.call('HGET', KEYS[4], item), redis.call('SISMEMBER', KEYS[5], item)}
end
return told
"""

# A row that is there under the same schema keeps what is not given; offsets are in bytes.
WRITE_ROW: Final = """
local row = redis.call('GET', KEYS[1])
if not row or #row ~= #ARGV[1] or row:sub(1, 16) ~= ARGV[1]:sub(1, 16) then row = ARGV[1] end
for i = 2, #ARGV, 2 do
    row = row:sub(1, ARGV[i]) .. ARGV[i + 1] .. row:sub(ARGV[i] + #ARGV[i + 1] + 1)
end
redis.call('SET', KEYS[1], row)
"""


class LogUnreachable(redis.RedisError):
    """Redis did not confirm."""


@dataclass(frozen=True, slots=True)
class Put:
    """One item that is put; None is what the client did not say."""

    item_id: str
    properties: Mapping[str, Any] | None
    features: Mapping[str, Any] | None


@dataclass(frozen=True, slots=True)
class RowWrite:
    """A row's key, the row to begin with if none is stored, and bytes by their offset in it."""

    key: str
    row: bytes
    patches: tuple[tuple[int, bytes], ...]


@dataclass(frozen=True, slots=True)
class Record:
    """The latest word on one item. Times are microseconds of the server's clock."""

    item_id: str
    serial: int
    added: int
    properties: dict[str, Any] | None
    features: dict[str, Any]
    retired: bool


@dataclass(frozen=True, slots=True)
class Told:
    """Records in the order in which their items were first put, and the server's time."""

    records: tuple[Record, ...]
    serial: int
    server_us: int


class ChangeLog:
    """Reads and writes it; any thread may. What Redis did not confirm is LogUnreachable."""

    def __init__(self, client: Deferred) -> None:
        self._client = client

    @classmethod
    def at(cls, url: str) -> Self:
        """Keep it at a Redis URL; nothing is asked yet."""
        return cls(Deferred(url, TIMEOUT_S))

    def write_rows(self, writes: Sequence[RowWrite]) -> None:
        """Write rows, each in one atomic step."""
        with _reachable(), self._client().pipeline(transaction=False) as pipeline:
            for write in writes:
                patches = [part for patch in write.patches for part in patch]
                pipeline.execute_command("EVAL", WRITE_ROW, 1, write.key, write.row, *patches)
            pipeline.execute()

    def put(self, puts: Sequence[Put]) -> None:
        """Note items as put, all or none, and announce it; their rows should be written by then."""
        words = [
            word
            for put in puts
            for word in (put.item_id.encode(), _json(put.properties), _json(put.features))
        ]
        self._run(PUT, *words)

    def retire(self, item_ids: Sequence[str], served: Sequence[bool]) -> int:
        """Note items as retired, all or none, and announce it; return how many nobody knows.

        Known are those that are ``served`` here, and those that were put.
        """
        pairs = zip(item_ids, served, strict=True)
        unknown: int = self._run(RETIRE, *(w for item, known in pairs for w in (item, int(known))))
        return unknown

    def read(self, after: int) -> Told:
        """Return the latest word on each item that was put or retired after a serial."""
        records, serial = dict[str, Record](), after
        while True:
            server_us, *page = self._run(READ, serial, PER_READ)
            for record in map(_record, page):
                records[record.item_id] = record
                serial = record.serial
            if len(page) < PER_READ:
                break
        in_order = sorted(records.values(), key=lambda record: record.added)
        return Told(tuple(in_order), serial, server_us)

    @contextmanager
    def announcements(self) -> Iterator[redis.client.PubSub]:
        """Hear of changes: the messages of the block's value, each maybe lost."""
        with _reachable(), self._client().pubsub(ignore_subscribe_messages=True) as heard:  # type: ignore[no-untyped-call]  # redis-py's
            heard.subscribe(keys.CATALOGUE)
            yield heard

    def close(self) -> None:
        """Drop the connections."""
        self._client.close()

    def _run(self, script: str, *arguments: str | bytes | int) -> Any:
        with _reachable():
            return self._client().execute_command("EVAL", script, len(NAMES), *NAMES, *arguments)  # type: ignore[no-untyped-call]  # redis-py's


def _json(value: Mapping[str, Any] | None) -> bytes:
    return b"" if value is None else msgspec.json.encode(value)


def _record(told: list[Any]) -> Record:
    item_id, serial, added, properties, features, retired = told
    return Record(
        item_id.decode(),
        int(serial),
        int(added),
        msgspec.json.decode(properties) if properties is not None else None,
        msgspec.json.decode(features) if features is not None else {},
        bool(retired),
    )


@contextmanager
def _reachable() -> Iterator[None]:
    try:
        yield
    except STORE_FAULTS as fault:
        raise LogUnreachable(f"Redis did not confirm ({fault})") from fault
