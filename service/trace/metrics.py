"""What became of traces, on the metrics page."""

from collections.abc import Iterator

from prometheus_client.core import CounterMetricFamily
from prometheus_client.metrics_core import Metric

from service.trace.tracing import Tracing

OUTCOMES = ("sent", "lost", "dropped")


def trace_metrics(tracing: Tracing | None) -> Iterator[Metric]:
    """Yield the metric family; all are 0 where nothing is traced."""
    family = CounterMetricFamily(
        "braid_traces",
        "Requests whose spans the collector took (sent) or did not take (lost), and those that "
        "found too many waiting (dropped).",
        labels=["outcome"],
    )
    counts = {} if tracing is None else tracing.counts()
    for outcome in OUTCOMES:
        family.add_metric([outcome], counts.get(outcome, 0))
    yield family
