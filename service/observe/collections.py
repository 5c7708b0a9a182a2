"""How long garbage collections took: on free-threaded Python all threads stand still meanwhile."""

import gc
from collections.abc import Iterator
from time import perf_counter_ns
from typing import Literal

from prometheus_client.core import HistogramMetricFamily
from prometheus_client.metrics_core import Metric

from service.observe.buckets import buckets, total_s
from service.observe.histogram import Histogram


class Collections:
    """Hears of every collection of this process; one at a time runs, so one at a time writes."""

    def __init__(self) -> None:
        self._took = Histogram()
        self._began = 0

    def start(self) -> None:
        """Hear of collections from now on."""
        gc.callbacks.append(self._hear)

    def stop(self) -> None:
        """Hear of no more."""
        if self._hear in gc.callbacks:  # a service that did not come to start is stopped, too
            gc.callbacks.remove(self._hear)

    def metrics(self) -> Iterator[Metric]:
        """Yield the metric family."""
        family = HistogramMetricFamily(
            "braid_gc_duration_seconds", "Time of each garbage collection."
        )
        family.add_metric([], buckets(self._took), total_s(self._took))
        yield family

    def _hear(self, phase: Literal["start", "stop"], _info: dict[str, int]) -> None:
        now = perf_counter_ns()
        if phase == "start":
            self._began = now
        else:
            self._took.record(now - self._began)
