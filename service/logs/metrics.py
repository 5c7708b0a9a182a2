"""The logs on the metrics page: what went to the store and to stderr, and what did not."""

import logging
from collections.abc import Iterator, Sequence

from prometheus_client.core import CounterMetricFamily
from prometheus_client.metrics_core import Metric

from service.logs.lines import Lines
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
    # The log of a process belongs to whoever set it up, and logging knows where it is.
    lines = [one for one in logging.getLogger().handlers if isinstance(one, Lines)]
    family.add_metric(["lines", "written"], sum(one.written for one in lines))
    family.add_metric(["lines", "dropped"], sum(one.dropped for one in lines))
    yield family
