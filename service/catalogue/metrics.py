"""Changes of the catalogue on the metrics page."""

from collections.abc import Iterator

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.metrics_core import Metric

from service.catalogue.publisher import Publisher


def catalogue_metrics(publisher: Publisher) -> Iterator[Metric]:
    """Yield the metric families of what was put and retired, as this replica took it up."""
    name = "braid_catalogue"
    yield CounterMetricFamily(f"{name}_changes", "Items put or retired.", publisher.changes)
    yield CounterMetricFamily(
        f"{name}_publications", "Catalogues published for them.", publisher.publications
    )
    yield GaugeMetricFamily(
        f"{name}_lag_seconds", "From a change to its effect here, the last time.", publisher.lag_s
    )
