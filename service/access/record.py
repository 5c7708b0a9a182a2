"""What the file keeps of a key: who, for what, how often, until when, and a hash of the secret."""

import hashlib
import secrets
from datetime import UTC, datetime
from hmac import compare_digest
from typing import Annotated, Any, Final, Self

from msgspec import Meta, Struct

from service.access.key import SEAL_KEY_BYTES, KeyText, make
from service.access.rate import PATTERN
from service.access.scope import Scope

NAME: Final = r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}\Z"
_LOG2_N, _R, _P = 14, 8, 1
_HASH_BYTES = 32


class Scrypt(Struct, frozen=True, forbid_unknown_fields=True):
    """A secret's hash, with what it takes to make it again (RFC 7914): 16 MiB and 30 ms.

    The bounds are there so that nobody's file makes the service spend gigabytes.
    """

    log2_n: Annotated[int, Meta(ge=10, le=17)]
    r: Annotated[int, Meta(ge=1, le=8)]
    p: Annotated[int, Meta(ge=1, le=4)]
    salt: Annotated[bytes, Meta(min_length=16, max_length=64)]
    hash: Annotated[bytes, Meta(min_length=32, max_length=64)]

    @classmethod
    def of(cls, secret: bytes) -> Self:
        """Hash a secret."""
        salt = secrets.token_bytes(16)
        return cls(_LOG2_N, _R, _P, salt, _hash(secret, salt, _LOG2_N, _R, _P, _HASH_BYTES))

    def matches(self, secret: bytes) -> bool:
        """Tell whether this is its hash; takes the time of a scrypt."""
        own = _hash(secret, self.salt, self.log2_n, self.r, self.p, len(self.hash))
        return compare_digest(own, self.hash)

    def __repr__(self) -> str:
        return "Scrypt()"


class Record(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """One key, without its secret."""

    name: Annotated[str, Meta(pattern=NAME)]
    id: Annotated[str, Meta(pattern="^[a-z2-7]{8}$")]
    scopes: Annotated[frozenset[Scope], Meta(min_length=1)]
    created: Annotated[datetime, Meta(tz=True)]
    seal_key: Annotated[bytes, Meta(min_length=SEAL_KEY_BYTES, max_length=SEAL_KEY_BYTES)]
    scrypt: Scrypt
    expires: Annotated[datetime, Meta(tz=True)] | None = None
    rate: Annotated[str, Meta(pattern=PATTERN)] | None = None

    @classmethod
    def make(cls, name: str, scopes: frozenset[Scope], **more: Any) -> tuple[Self, str]:
        """Make a new key: its record, and its text, which is kept nowhere."""
        seal_key = secrets.token_bytes(SEAL_KEY_BYTES)
        text, parts = make(seal_key)
        now = datetime.now(UTC).replace(microsecond=0)
        hashed = Scrypt.of(parts.secret)
        return cls(name, parts.id.decode(), scopes, now, seal_key, hashed, **more), text

    @classmethod
    def stranger(cls) -> Self:
        """Make a record that no key fits."""
        random = secrets.token_bytes(SEAL_KEY_BYTES)
        nothing = Scrypt(_LOG2_N, _R, _P, random, random)
        return cls("stranger", "a" * 8, frozenset(), datetime.now(UTC), random, nothing)

    def is_sealed(self, presented: KeyText) -> bool:
        """Tell at little cost whether it can be this key, in constant time."""
        return presented.is_sealed_by(self.seal_key)

    def __repr__(self) -> str:
        return f"Record({self.name!r}, scopes={sorted(self.scopes)})"


def _hash(secret: bytes, salt: bytes, log2_n: int, r: int, p: int, size: int) -> bytes:
    needed = 128 * r * ((1 << log2_n) + p + 2)  # bytes, as OpenSSL counts them
    return hashlib.scrypt(secret, salt=salt, n=1 << log2_n, r=r, p=p, dklen=size, maxmem=2 * needed)
