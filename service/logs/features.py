"""The features of some requests, logged as they were served: what training learns from."""

from collections.abc import Callable
from functools import partial
from hashlib import blake2b

from features.served_features import ServedFeatures, append_command
from features.store import FeatureStore
from ranking.snapshot import Snapshot
from service.answer import Answer
from service.logs.appender import Appender
from service.logs.record import record_of


def sampled(request_id: str, rate: float) -> bool:
    """Tell whether a request is among the ``rate`` 0..1 that are logged: by its id, so anywhere."""
    digest = blake2b(request_id.encode(errors="replace"), digest_size=7).digest()
    return int.from_bytes(digest) < rate * 256**7


class FeatureLog:
    """One event loop's log of served features; a rate of 0 costs one comparison per request."""

    def __init__(self, writer: FeatureStore, rate: float) -> None:
        self._rate = rate
        self.appender = Appender(writer, _commands)

    def note(self, request_id: str, timestamp_ms: int, answer: Answer, snapshot: Snapshot) -> None:
        """Log an answer if it is sampled: on the loop's thread, once the answer is made.

        The record is made when it is written: the answer's arrays are frozen, so they may wait.
        """
        if self._rate and sampled(request_id, self._rate):
            self.appender.add(partial(record_of, request_id, timestamp_ms, answer, snapshot))


def _commands(make: Callable[[], ServedFeatures]) -> list[bytes]:
    return [append_command(make())]
