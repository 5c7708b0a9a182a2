"""Experiments on the metrics page."""

from collections.abc import Iterator

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.metrics_core import Metric

from service.experiments.listing import ExperimentsAnswer

OVERLAPS = ("jaccard", "rank_biased_overlap", "same_first")


def experiment_metrics(answer: ExperimentsAnswer, dropped: int) -> Iterator[Metric]:
    """Yield the metric families of what this replica knows of its experiments."""
    slates = CounterMetricFamily(
        "braid_exposures", "Slates shown under an experiment.", labels=["surface", "variant"]
    )
    shadows = CounterMetricFamily(
        "braid_shadow_slates",
        "Slates of a shadow, by outcome.",
        # Another salt or model is counted anew: with one name for all of them it would go down.
        labels=["surface", "experiment", "model", "outcome"],
    )
    overlap = GaugeMetricFamily(
        "braid_shadow_overlap", "How alike shadow and served are.", labels=["surface", "measure"]
    )
    drift = GaugeMetricFamily(
        "braid_shadow_drift", "Population stability index of scores.", labels=["surface"]
    )
    for one in answer.experiments:
        for variant, count in one.slates.items():
            slates.add_metric([one.surface, variant], count)
        if one.shadow is None or (found := one.shadow.findings) is None:
            continue
        for outcome in ("compared", "failed", "dropped"):
            names = [one.surface, one.experiment, one.shadow.model or "", outcome]
            shadows.add_metric(names, getattr(found, outcome))
        for measure in OVERLAPS:
            if (value := getattr(found, measure)) is not None:
                overlap.add_metric([one.surface, measure], value)
        if found.drift is not None:
            drift.add_metric([one.surface], found.drift)
    yield from (slates, shadows, overlap, drift)
    yield CounterMetricFamily(
        "braid_exposures_dropped", "Exposures that the store did not take.", dropped
    )
