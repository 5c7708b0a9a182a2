"""Overload on the metrics page."""

from collections import Counter
from collections.abc import Iterator, Sequence

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.metrics_core import Metric

from service.admission.admission import Admission
from service.admission.priority import Priority
from service.effort import Effort


def admission_metrics(rooms: Sequence[Admission]) -> Iterator[Metric]:
    """Yield the metric families of all loops' rooms together."""
    admitted, efforts = Counter[Priority](), Counter[Effort]()
    refused = Counter[tuple[Priority, str]]()
    for room in list(rooms):
        admitted.update(dict(room.admitted))
        refused.update(dict(room.refused))
        efforts.update(dict(room.efforts))
    family = CounterMetricFamily("braid_admitted", "Requests let in.", labels=["priority"])
    for priority in Priority:
        family.add_metric([priority.name.lower()], admitted[priority])
    yield family
    family = CounterMetricFamily(
        "braid_refused",
        "Requests refused because too many wait (full), or waited too long (late).",
        labels=["priority", "reason"],
    )
    for (priority, reason), count in refused.items():
        family.add_metric([priority.name.lower(), reason], count)
    yield family
    family = CounterMetricFamily(
        "braid_effort", "Slates by how much was done for them.", labels=["effort"]
    )
    for effort in Effort:
        family.add_metric([effort.name.lower()], efforts[effort])
    yield family
    yield GaugeMetricFamily(
        "braid_admission_limit",
        "Live requests that may wait, at what a turn of a loop takes now.",
        sum(room.limit for room in rooms),
    )
    yield GaugeMetricFamily(
        "braid_waiting_requests", "Requests that wait.", sum(len(room.queue) for room in rooms)
    )
