"""The thread that hashes presented secrets: one at a time, for all event loops."""

import time
from concurrent.futures import Future, ThreadPoolExecutor
from threading import BoundedSemaphore
from typing import Final

from service.access.keyring import Key, Proof

MOST_WAITING: Final = 64
"""More do not queue up: 64 of them take the thread two seconds."""


class Verifier:
    """Runs scrypt off the event loops, and notes on the key what it found.

    Only what has the key's seal comes here, so there is one hash per key and hour; a bound holds
    all the same for whoever has read the file and can make seals.
    """

    def __init__(self) -> None:
        self._room = BoundedSemaphore(MOST_WAITING)
        self._thread = ThreadPoolExecutor(1, "braid-keys")
        # Started now, or it would pin the context of the first request (thread_inherit_context).
        self._thread.submit(int).result()

    def verify(self, key: Key, secret: bytes, digest: bytes) -> Future[bool] | None:
        """Tell in a while whether it is the key's secret; None where too many are waiting."""
        if not self._room.acquire(blocking=False):
            return None
        verdict = self._thread.submit(_run, key, secret, digest)
        verdict.add_done_callback(lambda _: self._room.release())  # also where it is cancelled
        return verdict

    def close(self) -> None:
        """End the thread; who waits is told of no verdict."""
        self._thread.shutdown(cancel_futures=True)


def _run(key: Key, secret: bytes, digest: bytes) -> bool:
    proof = key.proof
    if proof is not None and proof.digest == digest:  # two requests, or loops, asked at once
        return True
    matches = key.record.scrypt.matches(secret)
    if matches:
        key.proof = Proof(digest, key.until_ns(time.monotonic_ns()))
    return matches
