"""Every key Braid keeps in Redis, and nowhere else.

The braces are Redis Cluster hash tags: all keys of one user land in one slot, so that one
round trip (and one script) can reach them together.
"""

META = "braid:meta"
"""Hash: what `braid load` wrote here last (artifact version, schema versions, counts)."""

ITEM_ROWS = "braid:item:"
"""What the keys of all item rows begin with."""

MODEL = "braid:model"
"""Hash: the version that every replica is to serve, the one before, and a serial number. Changes
are announced on the channel of the same name."""

MODEL_SEEN = "{braid:model}:seen"
"""Sorted set: when each replica last reported, in seconds of the server's clock."""

MODEL_REPORTS = "{braid:model}:reports"
"""Hash: what each replica serves and refuses, as JSON. In the pointer's slot, like the above."""


def item_row(item_id: str) -> str:
    """Return the key of an item's feature row (a string value, see `features.codec`)."""
    return f"{ITEM_ROWS}{{{item_id}}}"


def item_of(key: bytes) -> str:
    """Return the id of the item whose row a key that begins with `ITEM_ROWS` holds."""
    return key[len(ITEM_ROWS) + 1 : -1].decode(errors="replace")


def user_row(user_id: str) -> str:
    """Return the key of a user's feature row (a string value, see `features.codec`)."""
    return f"braid:user:{{{user_id}}}"


def user_history(user_id: str) -> str:
    """Return the key of a user's history: a capped list, latest write first."""
    return f"braid:history:{{{user_id}}}"


def user_event(user_id: str, event_id: str) -> str:
    """Return the key that remembers an event id, so that a repeated event counts once."""
    # The length keeps two pairs of ids apart whose texts run together to the same key.
    return f"braid:event:{{{user_id}}}:{len(user_id)}:{event_id}"
