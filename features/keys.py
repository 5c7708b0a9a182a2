"""Every key Braid keeps in Redis, and nowhere else.

The braces are Redis Cluster hash tags. Users are spread over partitions, and all that an event of
a user changes bears the partition's tag: it lives in one slot, where one script reaches it all.
Item rows are spread over the same partitions, so that one MGET reads many of a partition.
"""

from binascii import crc_hqx
from string import ascii_lowercase
from typing import Final
from zlib import crc32

PARTITIONS: Final = 64
"""Never to be changed under stored data: it decides where a user's and an item's keys are."""

HASH_SLOTS: Final = 16384
"""How many Redis Cluster has, whatever the number of its nodes."""


def slot_of(key: str | bytes) -> int:
    """Return a key's slot in a Redis Cluster (its specification, "Hash tags").

    That is the CRC-16 (XMODEM's) modulo 16384 of what its first braces hold, or of all of it.
    """
    name = key.encode() if isinstance(key, str) else key
    inner, closed, _ = name.partition(b"{")[2].partition(b"}")
    return crc_hqx(inner if inner and closed else name, 0) % HASH_SLOTS


def _even_tag(number: int) -> str:
    """Find the tag of a partition whose slot lies in the partition's share of all slots.

    However many masters divide the slots evenly among them, they divide the partitions so, too.
    Two letters, for every byte of a key costs the thousand keys of a read.
    """
    tags = (f"{{{one}{other}}}" for one in ascii_lowercase for other in ascii_lowercase)
    return next(tag for tag in tags if slot_of(tag) * PARTITIONS // HASH_SLOTS == number)


_TAGS: Final = tuple(map(_even_tag, range(PARTITIONS)))

SLOTS: Final = tuple(map(slot_of, _TAGS))
"""The slot of each partition."""

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
    return f"{ITEM_ROWS}{_TAGS[partition(item_id)]}:{item_id}"


def item_of(key: bytes) -> str:
    """Return the id of the item whose row a key that begins with `ITEM_ROWS` holds."""
    return key[len(ITEM_ROWS) :].partition(b":")[2].decode(errors="replace")


def partition(name: str) -> int:
    """Return the partition, 0 to 63, of a user or an item.

    That is the CRC-32 (zlib's) of the id in UTF-8, modulo 64.
    """
    return crc32(name.encode()) % PARTITIONS


def tag(number: int) -> str:
    """Return the hash tag of a partition."""
    return _TAGS[number]


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


def loaded(number: int) -> str:
    """Return the key that names the artifact of which a load has finished with a partition."""
    return f"braid:loaded:{tag(number)}"


def served(number: int) -> str:
    """Return the key of a partition's stream of served slates."""
    return f"braid:served:{tag(number)}"


def slate(surface: str, user_id: str) -> str:
    """Return the key of a slate that `braid batch` made ahead of time: JSON, as an answer is."""
    return f"braid:slate:{tag(partition(user_id))}:{surface}:{user_id}"


def slates_job(surface: str) -> str:
    """Return the key of what those slates were made from, as JSON."""
    return f"{{braid:slates:{surface}}}:job"


def slates_done(surface: str) -> str:
    """Return the key of the set of shards that are there, by number."""
    return f"{{braid:slates:{surface}}}:done"
