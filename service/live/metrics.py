"""Live counts on the metrics page."""

from collections.abc import Iterator

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.metrics_core import Metric

from service.live.pulse import Pulse
from service.observe.buckets import buckets, total_s


def live_metrics(pulse: Pulse) -> Iterator[Metric]:
    """Yield the metric families of what this replica knows of the events."""
    yield CounterMetricFamily("braid_events_followed", "Events counted here.", pulse.events)
    yield CounterMetricFamily("braid_counts_loaded", "Times that counts were read.", pulse.loads)
    yield CounterMetricFamily(
        "braid_events_missed", "Times that a stream had lost events.", pulse.missed
    )
    yield GaugeMetricFamily(
        "braid_events_connected", "1 while the events are followed.", pulse.connected
    )
    lag = HistogramMetricFamily(
        "braid_event_to_effect_seconds", "From the store's word to this replica's counts."
    )
    lag.add_metric([], buckets(pulse.lag), total_s(pulse.lag))
    yield lag
