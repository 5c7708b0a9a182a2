"""What befell the connections to the feature store, as Prometheus families."""

from collections import Counter
from collections.abc import Iterator, Sequence

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.metrics_core import Metric

from features.store import FeatureStore

STATES = ("closed", "half_open", "open")
COUNTERS = {
    "opens": "Breakers that opened: a connection broke, or did not answer.",
    "probes": "Attempts to connect.",
    "reconnects": "Connections that took the place of a lost one.",
    "timeouts": "Commands without an answer in time.",
    "refusals": "Commands that a server refused.",
    "redirects": "Commands that a cluster's node sent elsewhere (MOVED, ASK).",
}


def store_metrics(stores: Sequence[FeatureStore]) -> Iterator[Metric]:
    """Yield the families of all event loops' stores."""
    breaker = GaugeMetricFamily(
        "braid_store_breaker",
        "Connections by the state of their breaker.",
        labels=["node", "state"],
    )
    states = Counter[tuple[str, str]](pair for store in stores for pair in store.breakers().items())
    for node in sorted({node for node, _ in states}):
        for state in STATES:
            breaker.add_metric([node, state], states[node, state])
    yield breaker
    for name, text in COUNTERS.items():
        total = sum(getattr(store.counts, name) for store in stores)
        yield CounterMetricFamily(f"braid_store_{name}", text, total)
    retries = CounterMetricFamily(
        "braid_store_retries", "Second attempts, and those the budget refused.", labels=["outcome"]
    )
    retries.add_metric(["made"], sum(store.counts.retries for store in stores))
    retries.add_metric(["unaffordable"], sum(store.counts.unaffordable for store in stores))
    yield retries
    rows = CounterMetricFamily(
        "braid_store_odd_rows",
        "Rows refused by length, schema version or owner; rows with values that were no numbers.",
        labels=["outcome"],
    )
    rows.add_metric(["refused"], sum(store.counts.refused_rows for store in stores))
    rows.add_metric(["imputed"], sum(store.counts.imputed_rows for store in stores))
    yield rows
