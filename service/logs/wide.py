"""One wide event for a request: everything about it in one line, to be counted and searched by.

(C. Majors et al., "Observability Engineering", O'Reilly 2022, chapter 5.)
"""

import logging
from typing import Any, Final

from service.http.wire import BatchAnswer, SlateAnswer
from service.observe.asker import Told
from service.observe.ended import Ended
from service.observe.sample import Sample
from service.observe.spans import NS_PER_MS, Trace

DIGITS: Final = 3

log = logging.getLogger("braid.requests")
log.setLevel(logging.INFO)  # whatever else is logged, these are


class WideLog:
    """Hands requests over to the log, as they are: who writes the line makes words of it."""

    __slots__ = ("_told", "sample")

    def __init__(self, share: float, told: Told) -> None:
        """Have ``share`` of the requests logged, besides those that are anyway."""
        self.sample = Sample.of(share)
        self._told = told

    def note(self, ended: Ended) -> None:
        """Log a request, if anybody listens to this log."""
        level = logging.ERROR if ended.status >= 500 else logging.INFO
        if log.isEnabledFor(level):
            log.handle(self.record(ended, self._told, level))

    @staticmethod
    def record(ended: Ended, told: Told, level: int = logging.INFO) -> logging.LogRecord:
        """Return a record that becomes words where it is written."""
        # Without a look at who calls, which costs more than all else here.
        record = log.makeRecord(log.name, level, "", 0, "request", (), None)
        record.__dict__["wide"] = Wide(ended, told)
        return record


class Wide:
    """A request that is to be a line."""

    __slots__ = ("_ended", "_told")

    def __init__(self, ended: Ended, told: Told) -> None:
        self._ended = ended
        self._told = told

    def words(self) -> dict[str, Any]:
        """Return what the line says, without what there is not."""
        ended, trace = self._ended, self._ended.trace
        link, (hits, misses) = trace.link, trace.near
        reads = sum(read.ended_ns - read.began_ns for read in list(trace.reads))
        told: dict[str, Any] = {
            "request_id": ended.request_id,
            "trace_id": None if link is None else link.trace_id,
            "span_id": link.span_id or None if link is not None else None,
            "traced": None if link is None else link.exported,
            "method": ended.method,
            "route": ended.route,
            "status": ended.status,
            "problem": trace.fault,
            "ms": _ms(ended.total_ns),
            "stages": _stages(trace),
            "reads_ms": _ms(reads),
            "caller": trace.caller,
            "user_id": self._told.id(ended.asked),
            "user_hash": self._told.hash(ended.asked),
            "degraded": [f"{stage}: {why}" for stage, why in trace.degraded] or None,
            "near_hits": hits,
            "near_misses": misses,
            "threads": trace.threads,
            **_of_answer(ended.answer),
        }
        return {name: value for name, value in told.items() if value is not None}


def _stages(trace: Trace) -> dict[str, float]:
    """Return milliseconds by stage; one that ran twice counts with both."""
    took: dict[str, int] = {}
    for name, start, stop in list(trace.spans):
        took[name] = took.get(name, 0) + stop - start
    return {name: _ms(nanoseconds) for name, nanoseconds in took.items()}


def _of_answer(answer: object) -> dict[str, Any]:
    match answer:
        case SlateAnswer():
            return {
                "surface": answer.surface,
                "variant": answer.variant,
                "model_version": answer.model_version,
                "items": len(answer.items),
                "features_covered": answer.coverage.features,
                "scored": answer.coverage.scored,
            }
        case BatchAnswer():
            return {"slates": len(answer.slates)}
    return {}


def _ms(nanoseconds: int) -> float:
    return round(nanoseconds / NS_PER_MS, DIGITS)
