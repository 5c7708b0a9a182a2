"""Access on the metrics page: who was turned away, and what the audit log took."""

from collections.abc import Iterator, Sequence

from prometheus_client.core import CounterMetricFamily
from prometheus_client.metrics_core import Metric

from service.access.audit import Audit
from service.access.refusals import Refusals


def access_metrics(loops: Sequence[Refusals], audit: Audit) -> Iterator[Metric]:
    """Yield the metric families of all event loops."""
    refused = CounterMetricFamily(
        "braid_access_refused", "Requests turned away at the door, by reason.", labels=["reason"]
    )
    for reason in ("no_key", "wrong_key", "expired", "scope", "rate", "busy"):
        refused.add_metric([reason], sum(one.counts[reason] for one in loops))
    yield refused
    lines = CounterMetricFamily("braid_audit_lines", "Audit log, by outcome.", labels=["outcome"])
    lines.add_metric(["written"], audit.written)
    lines.add_metric(["dropped"], audit.dropped)
    yield lines
