"""One event loop's line to the exporter."""

from service.door import Headers
from service.observe.ended import Ended
from service.observe.spans import Trace
from service.trace.context import link_of, new_span_id
from service.trace.exporter import Exporter
from service.trace.sampler import Sampler


class Tracer:
    """Places requests in their traces, and hands over those to export; belongs to one thread."""

    __slots__ = ("_exporter", "_sampler", "dropped")

    def __init__(self, exporter: Exporter, sampler: Sampler) -> None:
        self.dropped = 0
        self._exporter = exporter
        self._sampler = sampler

    def begin(self, trace: Trace, headers: Headers, request_id: str) -> None:
        """Give a request its place, and have its shares noted: who is slow is known afterwards."""
        trace.link = link_of(headers, request_id, self._sampler)
        trace.shares = []

    def take(self, ended: Ended) -> None:
        """Have a request's spans exported, unless too many wait; what does not fit is counted."""
        link = ended.trace.link
        if link is None:
            return
        link.span_id = link.span_id or new_span_id()
        if not self._exporter.put(ended):
            self.dropped += 1
            return
        link.exported = True
