"""The recorders' counts as Prometheus text."""

import sys
from collections.abc import Callable, Iterator, Mapping, Sequence

from prometheus_client import CollectorRegistry, GCCollector, ProcessCollector
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.exposition import choose_encoder
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector
from prometheus_client.samples import Exemplar

from features.tracking import Tracking
from service.observe.buckets import buckets, total_s
from service.observe.exemplars import exemplars
from service.observe.flight import Flight
from service.observe.recorder import Recorder, merged

type More = Callable[[], Iterator[Metric]]


class BraidCollector(Collector):
    """Merges the loops' recorders each time it is scraped."""

    def __init__(
        self,
        recorders: list[Recorder],
        model_version: Callable[[], str | None],
        tracking: Tracking,
        more: Sequence[More] = (),
        flights: Sequence[Flight] = (),
    ) -> None:
        self._recorders = recorders
        self._flights = flights
        self._model_version = model_version
        self._tracking = tracking
        self._more = more

    def collect(self) -> Iterator[Metric]:
        """Yield every metric family of ours."""
        total = merged(self._recorders)
        yield _stage_histogram(total, exemplars(self._flights))
        requests = CounterMetricFamily(
            "braid_requests", "Answered requests.", labels=["route", "status"]
        )
        for (route, status), count in total.requests.items():
            requests.add_metric([route, str(status)], count)
        yield requests
        threads = CounterMetricFamily(
            "braid_threads", "Answered requests by how many threads worked on them.", labels=["n"]
        )
        for n, count in sorted(total.threads.items()):
            threads.add_metric([str(n)], count)
        yield threads
        degraded = CounterMetricFamily(
            "braid_degraded", "Answers given by a stage's fallback.", labels=["stage", "reason"]
        )
        for (stage, reason), count in total.degraded.items():
            degraded.add_metric([stage, reason], count)
        yield degraded
        yield CounterMetricFamily(
            "braid_scores_not_finite",
            "Candidates that got no place, for their score was no finite number.",
            total.unranked,
        )
        yield from _near_cache(total, self._tracking)
        model = GaugeMetricFamily("braid_model_info", "The model served.", labels=["version"])
        if version := self._model_version():
            model.add_metric([version], 1)
        yield model
        for families in self._more:
            yield from families()
        yield GaugeMetricFamily(
            "braid_gil_enabled",
            "1 when this interpreter runs with the GIL.",
            value=float(sys._is_gil_enabled()),  # the documented way to ask, underscore and all
        )


def _stage_histogram(
    total: Recorder, examples: Mapping[str, Mapping[int, Exemplar]]
) -> HistogramMetricFamily:
    family = HistogramMetricFamily(
        "braid_stage_duration_seconds", "Time of each stage of a request.", labels=["stage"]
    )
    for stage, histogram in sorted(total.stages.items()):
        found = examples.get(stage, {})
        told = [
            (*one, found[index]) if index in found else one
            for index, one in enumerate(buckets(histogram))
        ]
        family.add_metric([stage], told, total_s(histogram))
    return family


def _near_cache(total: Recorder, tracking: Tracking) -> Iterator[Metric]:
    name = "braid_near_cache"
    rows = CounterMetricFamily(
        f"{name}_rows", "Item rows that were in memory (hit) or read (miss).", labels=["outcome"]
    )
    for outcome, count in total.near.items():
        rows.add_metric([outcome], count)
    yield rows
    yield CounterMetricFamily(
        f"{name}_invalidations", "Item rows that the store announced.", tracking.invalidations
    )
    yield CounterMetricFamily(
        f"{name}_flushes", "Times that all rows were forgotten.", tracking.flushes
    )
    yield GaugeMetricFamily(
        f"{name}_trusted", "1 while rows in memory are served.", tracking.trust.holds()
    )
    yield GaugeMetricFamily(
        f"{name}_staleness_seconds",
        "No row served is staler than this; infinite while none is served.",
        tracking.trust.age_s(),
    )
    yield GaugeMetricFamily(
        f"{name}_refused", "1 where the store cannot track keys.", tracking.refused is not None
    )


class Exposition:
    """The `/metrics` page."""

    def __init__(self, collector: BraidCollector) -> None:
        self._registry = CollectorRegistry()
        self._registry.register(collector)
        ProcessCollector(registry=self._registry)
        GCCollector(registry=self._registry)

    def page(self, accept: str = "") -> tuple[bytes, str]:
        """Return the page and its content type: OpenMetrics, with exemplars, where it is asked."""
        encode, content_type = choose_encoder(accept)
        return encode(self._registry), content_type
