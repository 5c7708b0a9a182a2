"""Every key Braid keeps in Redis, and nowhere else.

The braces are Redis Cluster hash tags. Users are spread over partitions, and all that an event of
a user changes bears the partition's tag: it lives in one slot, where one script reaches it all.
"""

from typing import Final
from zlib import crc32

PARTITIONS: Final = 64
"""Never to be changed under stored data: it decides where a user's keys are."""

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

EXPOSURES = "braid:exposures"
"""Stream: which user was shown which arm of an experiment (see `features.exposures`)."""

SERVED_FEATURES = "braid:served-features"
"""Stream: some of the requests, with the rows that were scored (see `features.served_features`)."""

CATALOGUE = "{braid:catalogue}"
"""Channel: a word for each change of the catalogue. What follows is in its slot."""

CATALOGUE_ORDER = "{braid:catalogue}:order"
"""Sorted set: each item that was put or retired, by when it last was, in microseconds of the
server's clock. Who has seen all up to some time has to ask for later ones only."""

CATALOGUE_ADDED = "{braid:catalogue}:added"
"""Hash: when each of them was put first, as above."""

CATALOGUE_PROPERTIES = "{braid:catalogue}:properties"
"""Hash: the properties of items, as JSON, where they were given."""

CATALOGUE_FEATURES = "{braid:catalogue}:features"
"""Hash: the features of items that were given, by name, as JSON."""

CATALOGUE_RETIRED = "{braid:catalogue}:retired"
"""Set: the items that must not be shown any more."""


def item_row(item_id: str) -> str:
    """Return the key of an item's feature row (a string value, see `features.codec`)."""
    return f"{ITEM_ROWS}{{{item_id}}}"


def item_of(key: bytes) -> str:
    """Return the id of the item whose row a key that begins with `ITEM_ROWS` holds."""
    return key[len(ITEM_ROWS) + 1 : -1].decode(errors="replace")


def partition(user_id: str) -> int:
    """Return a user's partition, 0 to 63: the CRC-32 (zlib's) of the id in UTF-8, modulo 64."""
    return crc32(user_id.encode()) % PARTITIONS


def tag(number: int) -> str:
    """Return the hash tag of a partition."""
    return f"{{p{number:02d}}}"


def user_row(user_id: str) -> str:
    """Return the key of a user's feature row (a string value, see `features.codec`)."""
    return f"braid:user:{tag(partition(user_id))}:{user_id}"


def user_history(user_id: str) -> str:
    """Return the key of a user's history: a capped list, latest write first."""
    return f"braid:history:{tag(partition(user_id))}:{user_id}"


def user_shown(user_id: str) -> str:
    """Return the key of what a user was shown: a capped list, latest write first."""
    return f"braid:shown:{tag(partition(user_id))}:{user_id}"


def user_event(user_id: str, event_id: str) -> str:
    """Return the key that remembers an event id, so that a repeated event counts once."""
    # The length keeps two pairs of ids apart whose texts run together to the same key.
    return f"braid:event:{tag(partition(user_id))}:{len(user_id)}:{user_id}:{event_id}"


def events(number: int) -> str:
    """Return the key of a partition's stream of events."""
    return f"braid:events:{tag(number)}"


def serial(number: int) -> str:
    """Return the key that numbers a partition's events, so that a missing one is noticed."""
    return f"braid:serial:{tag(number)}"


def counts(number: int, bucket: int) -> str:
    """Return the key of a partition's counts in one bucket of time: a hash, item to integer."""
    return f"braid:counts:{tag(number)}:{bucket}"


def served(number: int) -> str:
    """Return the key of a partition's stream of served slates."""
    return f"braid:served:{tag(number)}"
