"""What one event loop counts, and the sum of all loops for a scrape."""

from collections import Counter

from service.observe.histogram import Histogram
from service.observe.spans import Trace


class Recorder:
    """One per event loop and written by that loop's thread only: no lock, no sharing."""

    __slots__ = ("degraded", "near", "requests", "stages", "threads", "unranked")

    def __init__(self) -> None:
        self.stages: dict[str, Histogram] = {}
        self.requests: Counter[tuple[str, int]] = Counter()
        self.degraded: Counter[tuple[str, str]] = Counter()
        self.near: Counter[str] = Counter()
        self.threads: Counter[int] = Counter()
        self.unranked = 0

    def record(self, route: str, status: int, trace: Trace) -> None:
        """Count one answered request, its spans and its fallbacks."""
        self.requests[route, status] += 1
        for name, start, stop in trace.spans:
            self._stage(name).record(stop - start)
        self._stage("total").record(trace.elapsed_ns())
        self.threads[trace.threads] += 1
        hits, misses = trace.near
        self.near["hit"] += hits
        self.near["miss"] += misses
        self.unranked += trace.unranked
        for stage, reason in trace.degraded:
            self.record_degraded(stage, reason)

    def record_degraded(self, stage: str, reason: str) -> None:
        """Count one fallback."""
        self.degraded[stage, reason] += 1

    def _stage(self, name: str) -> Histogram:
        histogram = self.stages.get(name)
        if histogram is None:
            histogram = self.stages[name] = Histogram()
        return histogram


def merged(recorders: list[Recorder]) -> Recorder:
    """Return the sum of several loops' recorders."""
    total = Recorder()
    for recorder in recorders:
        for name, histogram in list(recorder.stages.items()):
            total.stages.setdefault(name, Histogram())
            total.stages[name] += histogram
        total.requests.update(dict(recorder.requests))
        total.degraded.update(dict(recorder.degraded))
        total.near.update(dict(recorder.near))
        total.unranked += recorder.unranked
        total.threads.update(dict(recorder.threads))
    return total
