"""The keys of this process: one reference, bound anew when their file has changed."""

import logging
import sys
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from types import MappingProxyType
from typing import Final

from service.access import file
from service.access.file import KeysRejected
from service.access.rate import Bucket, Rate
from service.access.record import Record
from service.access.scope import Scope
from service.access.watch import Watch
from service.errors import SettingInvalid

VERDICT_NS: Final = 3600 * 10**9
"""A secret that was found good is hashed again after an hour."""

log = logging.getLogger("braid")


class Proof:
    """A digest of a text that was found to be this key, good until ``until_ns`` (monotonic)."""

    __slots__ = ("digest", "until_ns")

    def __init__(self, digest: bytes, until_ns: int) -> None:
        self.digest = digest
        self.until_ns = until_ns


class Key:
    """One key of the file, shared by all event loops.

    ``proof`` is written when a text was verified; all else stays as it is.
    """

    __slots__ = ("bucket", "name", "proof", "record", "scopes")

    def __init__(self, record: Record, bucket: Bucket | None) -> None:
        self.record = record
        # Interned, so immortal: the event loops hand it around without counting references.
        self.name = sys.intern(record.name)
        self.scopes: frozenset[Scope] = record.scopes
        self.bucket = bucket
        self.proof: Proof | None = None

    def until_ns(self, now_ns: int) -> int:
        """Return until when, monotonic, a text found good now is good without looking again."""
        if self.record.expires is None:
            return now_ns + VERDICT_NS
        left_s = (self.record.expires - datetime.now(UTC)).total_seconds()
        return now_ns + min(VERDICT_NS, int(left_s * 1e9))


type Keys = Mapping[bytes, Key]
"""By id."""

STRANGER: Final = Key(Record.stranger(), None)
"""In place of a key that there is not: made-up ids and made-up secrets fail in the same place."""


def _nothing(_added: Iterable[str], _removed: Iterable[str]) -> None:
    pass


type Tell = Callable[[Iterable[str], Iterable[str]], None]
"""(names added or changed, names removed)."""


class Keyring:
    """Follows the file; one that cannot be used leaves the keys as they were."""

    def __init__(self, path: Path, tell: Tell = _nothing) -> None:
        """Read the file.

        Raises:
            SettingInvalid: it cannot be used.
        """
        self._path = path
        self._tell = tell
        self._watch = Watch("braid-keys-file", [path], self._read)
        try:
            self.keys: Keys = _keys(file.load(path), {})
        except KeysRejected as fault:
            raise SettingInvalid(
                f"--keys={path} {fault}; `braid keys new NAME --scope read --keys {path}` makes one"
            ) from None

    def start(self) -> None:
        """Follow the file."""
        self._watch.start()

    def stop(self) -> None:
        """Stop following it."""
        self._watch.stop()

    def _read(self) -> None:
        before = self.keys
        try:
            self.keys = after = _keys(file.load(self._path), before)
        except KeysRejected as fault:
            log.error("%s: the keys stay as they were; the file %s", self._path, fault)
            return
        log.warning("%s is read anew: %d keys", self._path, len(after))
        added = [key.name for key_id, key in after.items() if before.get(key_id) is not key]
        removed = [key.name for key_id, key in before.items() if key_id not in after]
        self._tell(added, removed)


def _keys(records: Iterable[Record], before: Keys) -> Keys:
    """Return the keys; who is in both keeps their proof, and what is left in their bucket."""
    keys: dict[bytes, Key] = {}
    for record in records:
        key_id = record.id.encode()
        old = before.get(key_id)
        if old is not None and old.record == record:
            keys[key_id] = old
        else:
            rate = Rate.parse(record.rate) if record.rate else None
            kept = old.bucket if old is not None else None
            same = kept is not None and kept.rate == rate
            keys[key_id] = Key(record, kept if same else Bucket(rate) if rate else None)
    return MappingProxyType(keys)
