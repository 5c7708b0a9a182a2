"""What one event loop tells of its requests, to the log and as spans, once they are answered."""

from math import inf

from service.door import Headers
from service.logs.wide import WideLog
from service.observe.ended import Ended
from service.observe.spans import NS_PER_MS, Trace
from service.trace.tracer import Tracer


class Reports:
    """Decides what is told: what is sampled, and whatever was slow or failed.

    Of all others no more is done than to compare two numbers; and what is told is only handed over.
    """

    __slots__ = ("_slow_ns", "_tracer", "_wide")

    def __init__(self, slow_ms: float, wide: WideLog | None, tracer: Tracer | None) -> None:
        """Call slow what takes longer than ``slow_ms``; 0 calls nothing so."""
        self._slow_ns = slow_ms * NS_PER_MS or inf
        self._wide = wide
        self._tracer = tracer

    def begin(self, trace: Trace, headers: Headers, request_id: str) -> None:
        """Find the request's place in its caller's trace, where spans go anywhere."""
        if self._tracer is not None:
            self._tracer.begin(trace, headers, request_id)

    def end(
        self,
        request_id: str,
        method: str,
        route: str,
        status: int,
        trace: Trace,
        asked: object,
        answer: object,
    ) -> None:
        """Tell of an answered request, or not."""
        total_ns = trace.elapsed_ns()
        loud = status >= 500 or total_ns > self._slow_ns
        traced = trace.link is not None and (loud or trace.link.sampled)
        logged = self._wide is not None and (loud or self._wide.sample.has(request_id))
        if not (traced or logged):
            return
        ended = Ended(request_id, method, route, status, total_ns, trace, asked, answer)
        if traced and self._tracer is not None:
            self._tracer.take(ended)
        if logged and self._wide is not None:
            self._wide.note(ended)
