"""The logs on the metrics page: what went to the store after answers, and what did not."""

from collections.abc import Iterator, Sequence

from prometheus_client.core import CounterMetricFamily
from prometheus_client.metrics_core import Metric

from service.logs.logs import Logs


def log_metrics(loops: Sequence[Logs]) -> Iterator[Metric]:
    """Yield the metric families of all event loops' logs."""
    family = CounterMetricFamily(
        "braid_log_records", "Records of logs, by outcome.", labels=["log", "outcome"]
    )
    for name in ("served", "exposures", "features"):
        logs = [loop.counts(name) for loop in loops]
        family.add_metric([name, "written"], sum(written for written, _ in logs))
        family.add_metric([name, "dropped"], sum(dropped for _, dropped in logs))
    yield family
