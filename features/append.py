"""The one atomic step by which a user's events enter the store."""

from collections.abc import Sequence
from hashlib import sha1
from typing import Final

import msgspec

from features import keys
from features.events import Event, Recorded, bucket_of, increments, is_ahead
from features.history import history_entry

EVENT_MEMORY_S: Final = 24 * 3600
"""For so long an event id is remembered: a repeat within it counts once."""
COUNTS_LIFETIME_S: Final = 25 * 3600
SHOWN_LIFETIME_S: Final = 30 * 86_400
STREAM_LENGTH: Final = 10_000
"""Events that each partition's stream keeps, about."""

# Reads first: a key that is of another type fails there, before anything is written. Then, for
# each event whose id is new: the list it belongs to, the counts, the stream. The number in the
# stream is one higher with each event, so who follows it notices what it missed; the time is the
# store's own, in microseconds.
APPEND_SCRIPT: Final = """
local lists, stream, serial = {KEYS[1], KEYS[2]}, KEYS[3], KEYS[4]
local buckets = tonumber(ARGV[1])
redis.call('LLEN', lists[1])
redis.call('LLEN', lists[2])
redis.call('XLEN', stream)
for i = 5, 4 + buckets do redis.call('HLEN', KEYS[i]) end
local number = tonumber(redis.call('GET', serial) or '0')
local time = redis.call('TIME')
local arrived = string.format('%d%06d', time[1], time[2])
local fresh = 0
for i = 8, #ARGV, 9 do
    local marker, list, bucket = tonumber(ARGV[i]), tonumber(ARGV[i + 1]), tonumber(ARGV[i + 2])
    if marker == 0 or redis.call('SET', KEYS[marker], '1', 'NX', 'EX', ARGV[2]) then
        redis.call('LPUSH', lists[list], ARGV[i + 3])
        if bucket > 0 then
            for j = i + 4, i + 6, 2 do
                if ARGV[j] ~= '' then redis.call('HINCRBY', KEYS[bucket], ARGV[j], ARGV[j + 1]) end
            end
        end
        fresh = fresh + 1
        redis.call('XADD', stream, 'MAXLEN', '~', ARGV[3], '*',
            'number', number + fresh, 'arrived_us', arrived, 'event', ARGV[i + 8])
    end
end
if fresh > 0 then
    redis.call('SET', serial, number + fresh)
    redis.call('LTRIM', lists[1], 0, ARGV[4] - 1)
    redis.call('LTRIM', lists[2], 0, ARGV[5] - 1)
    redis.call('EXPIRE', lists[2], ARGV[6])
    for i = 5, 4 + buckets do redis.call('EXPIRE', KEYS[i], ARGV[7]) end
end
return fresh
"""
APPEND_SHA: Final = sha1(APPEND_SCRIPT.encode(), usedforsecurity=False).hexdigest()
"""By this name a server knows the script once it has seen it."""


_encode = msgspec.json.Encoder().encode


def append_arguments(
    user_id: str, events: Sequence[Event], arrived_ms: int, history_cap: int, shown_cap: int
) -> tuple[list[str], list[str | int | bytes]]:
    """Return the keys and the arguments of `APPEND_SCRIPT` for events of one user."""
    part = keys.partition(user_id)
    names = [keys.user_history(user_id), keys.user_shown(user_id)]
    names += [keys.events(part), keys.serial(part)]
    told = [_settled(event, arrived_ms) for event in events]
    buckets = sorted({one.bucket for one in told if one.bucket is not None})
    places = {bucket: place for place, bucket in enumerate(buckets, len(names) + 1)}
    names += [keys.counts(part, bucket) for bucket in buckets]
    arguments: list[str | int | bytes] = [len(buckets), EVENT_MEMORY_S, STREAM_LENGTH]
    arguments += [history_cap, shown_cap, SHOWN_LIFETIME_S, COUNTS_LIFETIME_S]
    for one in told:
        event, marker = one.event, 0
        if event.event_id is not None:
            names.append(keys.user_event(user_id, event.event_id))
            marker = len(names)
        arguments += [marker, 2 if event.type == "impression" else 1]
        arguments.append(0 if one.bucket is None else places[one.bucket])
        arguments.append(history_entry(event.item_id, event.type, event.timestamp_ms))
        added = [(count_field(kind, event.item_id), by) for kind, by in increments(event)]
        for field, by in (*added, ("", 0), ("", 0))[:2]:
            arguments += [field, by]
        arguments.append(_encode(one))
    return names, arguments


def count_field(kind: str, item_id: str) -> str:
    """Return the field of a hash of counts: the kind is one letter, the rest the item."""
    return f"{kind}{item_id}"


def _settled(event: Event, arrived_ms: int) -> Recorded:
    """Decide once, where it arrives, when an event was and in which bucket it counts."""
    if is_ahead(event.timestamp_ms, arrived_ms):
        event = msgspec.structs.replace(event, timestamp_ms=arrived_ms)
    return Recorded(event, bucket_of(event.timestamp_ms, arrived_ms))
