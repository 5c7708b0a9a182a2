"""A slate that went out: what the user was shown, and by what."""

from typing import Final

import msgspec

from features import keys
from features.append import SHOWN_LIFETIME_S, STREAM_LENGTH
from features.history import history_entry
from features.resp import command

ENTRY_TYPE: Final = "served"


class Served(msgspec.Struct, frozen=True, omit_defaults=True):
    """The items that one answer showed to a user, first place first."""

    user_id: str
    item_ids: tuple[str, ...]
    timestamp_ms: int
    request_id: str = ""
    surface: str = ""
    variant: str | None = None


_encode = msgspec.json.Encoder().encode


def served_commands(slate: Served, shown_cap: int) -> list[bytes]:
    """Return the commands that put a slate into the user's list and the partition's stream."""
    shown, stream = keys.user_shown(slate.user_id), keys.served(keys.partition(slate.user_id))
    # Pushed from the last place to the first, which then stands at the head.
    entries = [
        history_entry(item_id, ENTRY_TYPE, slate.timestamp_ms) for item_id in slate.item_ids[::-1]
    ]
    return [
        command("LPUSH", shown, *entries),
        command("LTRIM", shown, 0, shown_cap - 1),
        command("EXPIRE", shown, SHOWN_LIFETIME_S),
        command("XADD", stream, "MAXLEN", "~", STREAM_LENGTH, "*", "slate", _encode(slate)),
    ]
