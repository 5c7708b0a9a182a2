"""Requests to look at, beside the counts they are among: ids for each bucket of each stage.

The flight recorder keeps requests already; nothing is noted for this while a request is answered.
"""

from bisect import bisect_right
from collections.abc import Mapping, Sequence

from prometheus_client.samples import Exemplar

from service.observe.buckets import BOUNDS_NS, NS_PER_S
from service.observe.flight import Flight, merged

MOST = 256

type ByBucket = Mapping[int, Exemplar]
"""By the bucket's number: how many bounds are at or below the value."""


def exemplars(flights: Sequence[Flight]) -> dict[str, dict[int, Exemplar]]:
    """Return by stage, and by bucket, the request that was there last, the slowest before all."""
    found = dict[str, dict[int, Exemplar]]()
    for order in ("slow", "recent"):
        for one in merged(flights, order, MOST):
            spans = [(name, stop - start) for name, start, stop in one.trace.spans]
            for stage, took_ns in (*spans, ("total", one.total_ns)):
                bucket = bisect_right(BOUNDS_NS, took_ns)
                labels = {"request_id": one.request_id}
                if (link := one.trace.link) is not None and link.exported:
                    labels["trace_id"] = link.trace_id
                told = Exemplar(labels, took_ns / NS_PER_S, one.trace.arrived_s)
                found.setdefault(stage, {}).setdefault(bucket, told)
    return found
