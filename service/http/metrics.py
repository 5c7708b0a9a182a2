"""Connections on the metrics page: how many are open, and why others were ended."""

from collections.abc import Iterator

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.metrics_core import Metric

from service.http.server import Census


def connection_metrics(census: Census) -> Iterator[Metric]:
    """Yield the families; a reason is a problem's code, `idle`, `unread` or `client-gone`."""
    yield GaugeMetricFamily("braid_connections", "Connections that are open.", census.open)
    ended = CounterMetricFamily(
        "braid_connections_ended", "Connections ended by the service, by reason.", labels=["reason"]
    )
    for reason, count in census.refused.items():
        ended.add_metric([reason], count)
    yield ended
