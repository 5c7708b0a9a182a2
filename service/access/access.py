"""Who asks, and whether they may: one event loop's look at a request's key."""

import asyncio
import secrets
from collections.abc import Awaitable, Sequence
from hashlib import sha256
from hmac import compare_digest
from time import monotonic_ns
from typing import Final

from service.access.key import ID, LENGTH, parse
from service.access.keyring import STRANGER, Key, Keyring
from service.access.rate import Bucket
from service.access.refusals import Reason, Refusals
from service.access.scope import Scope
from service.access.verifier import Verifier
from service.http.problems import Forbidden, TooManyRequests, Unauthorized

PEPPER: Final = secrets.token_bytes(32)
"""Keys that were found good are known by a digest under this, which never leaves the process."""

HOW: Final = "send one as `Authorization: Bearer KEY` or `X-API-Key: KEY`"
UNKNOWN: Final = "the key is not known here; `braid keys new` makes one"


class _Verdict:
    """What one event loop knows of a key; its own copies, so that loops do not meet in them."""

    __slots__ = ("bucket", "digest", "name", "scopes", "until_ns")

    def __init__(self, key: Key, digest: bytes, until_ns: int) -> None:
        self.digest = digest
        self.until_ns = until_ns
        self.name = key.name
        self.scopes = frozenset([*key.scopes])
        self.bucket = key.bucket


class Access:
    """Belongs to one event loop's thread. A key that it knows costs a digest and a look-up."""

    def __init__(self, keyring: Keyring, verifier: Verifier, refusals: Refusals) -> None:
        self._keyring = keyring
        self._verifier = verifier
        self._refusals = refusals
        self._pepper = bytes(bytearray(PEPPER))
        self._keys = keyring.keys
        self._verdicts: dict[bytes, _Verdict] = {}  # at most one per key of the file

    def check(self, headers: Sequence[tuple[bytes, bytes]], scope: Scope) -> str | Awaitable[str]:
        """Return the name of the key: at once where it is known, else when it is verified.

        Raises:
            Unauthorized: no key, or none that is known here; also from the awaitable.
            Forbidden: the key has not this scope.
            TooManyRequests: more than its rate allows.
        """
        keys = self._keyring.keys
        if keys is not self._keys:
            self._keys, self._verdicts = keys, {}
        text = self._presented(headers, scope)
        digest = sha256(self._pepper + text).digest()
        now_ns = monotonic_ns()
        verdict = self._verdicts.get(text[ID])
        if (
            verdict is not None
            and now_ns < verdict.until_ns
            and compare_digest(verdict.digest, digest)
        ):
            return self._admit(verdict, scope, now_ns)
        return self._meet(text, digest, scope, now_ns)

    def _presented(self, headers: Sequence[tuple[bytes, bytes]], scope: Scope) -> bytes:
        found: bytes | None = None
        for name, value in headers:
            if name == b"x-api-key":
                text = value
            elif name == b"authorization" and value[:7].lower() == b"bearer ":
                text = value[7:]
            else:
                continue  # another scheme of authorization may be a proxy's own affair
            if found is not None:
                raise self._refuse("wrong_key", None, scope, f"more than one key; {HOW}")
            found = text
        if found is None:
            raise self._refuse("no_key", None, scope, HOW)
        if len(found) != LENGTH:
            raise self._refuse("wrong_key", None, scope, UNKNOWN)
        return found

    def _admit(self, verdict: _Verdict, scope: Scope, now_ns: int) -> str:
        if scope not in verdict.scopes:
            self._refusals.note("scope", verdict.name, scope)
            has = ", ".join(sorted(verdict.scopes))
            raise Forbidden(f"this takes the scope {scope}; the key {verdict.name!r} has {has}")
        bucket = verdict.bucket
        if bucket is not None:
            left = bucket.take(now_ns)
            if left < 0:
                self._refusals.note("rate", verdict.name, scope)
                raise _too_many(verdict.name, bucket, -left)
        return verdict.name

    def _meet(self, text: bytes, digest: bytes, scope: Scope, now_ns: int) -> str | Awaitable[str]:
        """Look at a key that this loop does not know."""
        presented = parse(text)
        if presented is None:
            raise self._refuse("wrong_key", None, scope, UNKNOWN)
        key = self._keys.get(presented.id, STRANGER)
        if not key.record.is_sealed(presented):
            raise self._refuse("wrong_key", None, scope, UNKNOWN)
        if key.until_ns(now_ns) <= now_ns:
            raise self._refuse("expired", key.name, scope, f"the key {key.name!r} has expired")
        proof = key.proof
        if proof is not None and now_ns < proof.until_ns and compare_digest(proof.digest, digest):
            verdict = _Verdict(key, digest, proof.until_ns)
            self._verdicts[presented.id] = verdict
            return self._admit(verdict, scope, now_ns)
        return self._verify(key, text, presented.secret, digest, scope)

    async def _verify(
        self, key: Key, text: bytes, secret: bytes, digest: bytes, scope: Scope
    ) -> str:
        hashed = self._verifier.verify(key, secret, digest)
        if hashed is None:
            self._refusals.note("busy", key.name, scope)
            raise TooManyRequests("too many new keys at once; try again", {"retry-after": "1"})
        if not await asyncio.wrap_future(hashed):
            raise self._refuse("wrong_key", key.name, scope, UNKNOWN)
        # From the start: the file may have changed meanwhile. The key carries its proof now.
        found = self.check([(b"x-api-key", text)], scope)
        return found if isinstance(found, str) else await found

    def _refuse(self, reason: Reason, who: str | None, scope: Scope, detail: str) -> Unauthorized:
        self._refusals.note(reason, who, scope)
        return Unauthorized(detail)


def _too_many(name: str, bucket: Bucket, wait_ns: int) -> TooManyRequests:
    """Tell when to come again, in the header fields of draft-ietf-httpapi-ratelimit-headers."""
    rate, wait_s = bucket.rate, -(-wait_ns // 10**9)
    return TooManyRequests(
        f"the key {name!r} may ask {rate.count} times in {rate.period_s} s; wait {wait_s} s",
        {
            "retry-after": str(wait_s),
            "ratelimit": f'"key";r=0;t={wait_s}',
            "ratelimit-policy": f'"key";q={rate.count};w={rate.period_s}',
        },
    )
