"""One thing a user did, and how a user's history keeps it."""

import msgspec

LONGEST_TIMESTAMP = 18  # digits that fit an int64; thousands of them make int() raise

# Kept in one atomic step per user: the marker makes a repeated event id count once, the list is
# trimmed in the same step, so no reader ever sees a history longer than its cap.
APPEND_SCRIPT = """
local fresh = 0
for i = 3, #ARGV, 2 do
    local marker = tonumber(ARGV[i + 1])
    if marker == 0 or redis.call('SET', KEYS[marker], '1', 'NX', 'EX', ARGV[2]) then
        redis.call('LPUSH', KEYS[1], ARGV[i])
        fresh = fresh + 1
    end
end
redis.call('LTRIM', KEYS[1], 0, ARGV[1] - 1)
return fresh
"""


class Event(msgspec.Struct, frozen=True):
    """An interaction: ``timestamp_ms`` is milliseconds since the epoch."""

    user_id: str
    item_id: str
    type: str
    timestamp_ms: int
    event_id: str | None = None


def history_entry(item_id: str, event_type: str, timestamp_ms: int) -> str:
    """Return one interaction as a history keeps it; the id stands last, as it may hold colons."""
    return f"{timestamp_ms}:{event_type}:{item_id}"


def history_items(entries: list[bytes]) -> list[str]:
    """Return the item ids of history entries, latest interaction first.

    Late events lie ahead of younger ones in the list, so the timestamp decides; entries of
    equal time keep the list's order. An entry of another form is passed over.
    """
    dated = []
    for entry in entries:
        timestamp, _, rest = entry.partition(b":")
        _, _, item_id = rest.partition(b":")
        if item_id and timestamp.isdigit() and len(timestamp) <= LONGEST_TIMESTAMP:
            dated.append((int(timestamp), item_id))
    dated.sort(key=lambda pair: -pair[0])
    return [item_id.decode(errors="replace") for _, item_id in dated]
