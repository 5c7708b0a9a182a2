"""The text of a key: `braid_`, an id, `_`, a secret, and a seal.

    braid_7nq4k2xm_hd3s…(32)…k5qa…(16)
          id       secret    seal      all in the alphabet of base32, in lower case

The id finds the record. The secret is 160 random bits. The seal is a MAC of both under a key that
only the record has: whoever makes a key up does not get past it, so a flood of wrong keys costs a
MAC each and never a scrypt, and one mistyped letter is found the same way.
"""

import re
import secrets
from base64 import b32encode
from hashlib import blake2b
from hmac import compare_digest
from typing import Final, NamedTuple

SEAL_KEY_BYTES: Final = 32
_ID_BYTES, _SECRET_BYTES, _SEAL_BYTES = 5, 20, 10  # multiples of 5: base32 without padding
_TEXT = re.compile(rb"braid_([a-z2-7]{8})_([a-z2-7]{32})([a-z2-7]{16})")

ID = slice(6, 14)
"""Where in the text the id stands."""
LENGTH: Final = 63


class KeyText(NamedTuple):
    """A key taken apart."""

    id: bytes
    secret: bytes
    seal: bytes

    def is_sealed_by(self, seal_key: bytes) -> bool:
        """Tell, in constant time, whether the holder of ``seal_key`` made this key."""
        return compare_digest(self.seal, _seal(self.id, self.secret, seal_key))


def make(seal_key: bytes) -> tuple[str, KeyText]:
    """Return a new key, whole and taken apart."""
    key_id, secret = _random(_ID_BYTES), _random(_SECRET_BYTES)
    parts = KeyText(key_id, secret, _seal(key_id, secret, seal_key))
    return f"braid_{key_id.decode()}_{secret.decode()}{parts.seal.decode()}", parts


def parse(text: bytes) -> KeyText | None:
    """Take a key apart, None where the text cannot be one."""
    found = _TEXT.fullmatch(text)
    return KeyText(*found.groups()) if found else None


def _random(size: int) -> bytes:
    return b32encode(secrets.token_bytes(size)).lower()


def _seal(key_id: bytes, secret: bytes, seal_key: bytes) -> bytes:
    mac = blake2b(key_id + secret, key=seal_key, digest_size=_SEAL_BYTES)
    return b32encode(mac.digest()).lower()
