"""The crew on the metrics page."""

from collections.abc import Iterator

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.metrics_core import Metric

from service.crew.crew import Crew


def crew_metrics(crew: Crew) -> Iterator[Metric]:
    """Yield the metric families of who is at work, of helpers and of event loops."""
    yield GaugeMetricFamily(
        "braid_requests_in_flight", "Requests that are worked on.", crew.in_flight
    )
    yield GaugeMetricFamily("braid_helpers", "Threads that help.", crew.size)
    yield GaugeMetricFamily(
        "braid_helpers_busy", "Helpers called by some request.", crew.size - len(crew.idle)
    )
    yield CounterMetricFamily(
        "braid_helpers_lost", "Helpers that hung and were replaced.", crew.absent.written_off
    )
