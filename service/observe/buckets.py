"""A histogram of nanoseconds as Prometheus has it."""

from typing import Final

from service.observe.histogram import Histogram

NS_PER_S: Final = 1e9

# Four per power of two, from 16 us to 4.3 s: cells begin at each of them, so these counts are
# exact, and a quantile that Prometheus takes from them is within a few percent.
BOUNDS_NS: Final = [quarters << power for power in range(12, 30) for quarters in (4, 5, 6, 7)]


def buckets(histogram: Histogram) -> list[tuple[str, float]]:
    """Return the cumulative counts by upper bound, in seconds."""
    counts = histogram.cumulative(BOUNDS_NS)
    bounds = [str(bound / NS_PER_S) for bound in BOUNDS_NS]
    return [*zip(bounds, counts, strict=True), ("+Inf", histogram.count())]


def total_s(histogram: Histogram) -> float:
    """Return the sum of all that was recorded, in seconds."""
    return histogram.total / NS_PER_S
