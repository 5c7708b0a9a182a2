"""The features of some requests, logged as they were served: what training learns from."""

from hashlib import blake2b
from typing import NamedTuple

from features.served_features import Head, ServedFeatures, append_command
from features.store import FeatureStore
from ranking.snapshot import Snapshot
from service.logs.appender import Appender
from service.pipeline import Answer


class Served(NamedTuple):
    """An answer with what names it; its arrays are frozen, so they may wait to be written."""

    request_id: str
    timestamp_ms: int
    answer: Answer
    snapshot: Snapshot


def sampled(request_id: str, rate: float) -> bool:
    """Tell whether a request is among the ``rate`` 0..1 that are logged: by its id, so anywhere."""
    digest = blake2b(request_id.encode(errors="replace"), digest_size=7).digest()
    return int.from_bytes(digest) < rate * 256**7


class FeatureLog:
    """One event loop's log of served features; a rate of 0 costs one comparison per request."""

    def __init__(self, store: FeatureStore, rate: float) -> None:
        self._rate = rate
        self.appender = Appender(store, _commands)

    def note(self, request_id: str, timestamp_ms: int, answer: Answer, snapshot: Snapshot) -> None:
        """Log an answer if it is sampled: on the loop's thread, once the answer is made."""
        if self._rate and sampled(request_id, self._rate):
            self.appender.add(Served(request_id, timestamp_ms, answer, snapshot))


def record_of(served: Served) -> ServedFeatures:
    """Return what is kept of an answer."""
    answer, snapshot = served.answer, served.snapshot
    ids = snapshot.catalogue.ids
    head = Head(
        request_id=served.request_id,
        timestamp_ms=served.timestamp_ms,
        user_id=answer.query.user_id,
        surface=answer.plan.name,
        variant=answer.plan.variant,
        model_version=snapshot.version,
        columns=snapshot.scorer.columns,
        item_ids=tuple([ids[item] for item in answer.block.items.tolist()]),
        picks=tuple(answer.slate.picks.tolist()),
    )
    return ServedFeatures(head, answer.block.rows, answer.scores)


def _commands(served: Served) -> list[bytes]:
    return [append_command(record_of(served))]
