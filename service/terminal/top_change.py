"""What happened between two readings of a metrics page."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise
from math import inf

from prometheus_client.parser import text_string_to_metric_families

type Labels = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Reading:
    """A metrics page as it was at ``at_s``, on any clock that does not go back."""

    at_s: float
    samples: Mapping[str, list[tuple[Labels, float]]]

    @classmethod
    def parse(cls, text: str, at_s: float) -> Reading:
        """Read the page's text; raises ValueError where it is no such page."""
        samples: dict[str, list[tuple[Labels, float]]] = {}
        for family in text_string_to_metric_families(text):
            for sample in family.samples:
                samples.setdefault(sample.name, []).append((sample.labels, sample.value))
        return cls(at_s, samples)

    def all(self, name: str, wanted: Labels) -> Iterator[tuple[Labels, float]]:
        """Yield a sample's values by their labels, of those that have the labels wanted."""
        for labels, value in self.samples.get(name, ()):
            if wanted.items() <= labels.items():
                yield labels, value


@dataclass(frozen=True, slots=True)
class Change:
    """The difference of two readings of one process; one that was restarted counted from 0."""

    before: Reading
    after: Reading

    @property
    def seconds(self) -> float:
        """The time between the two."""
        return self.after.at_s - self.before.at_s

    def now(self, name: str, **wanted: str) -> float:
        """Return a gauge, or the sum of several; 0 where there is none."""
        return sum(value for _, value in self.after.all(name, wanted))

    def told(self, name: str, label: str) -> list[str]:
        """Return the values that a label has now, sorted."""
        return sorted({labels[label] for labels, _ in self.after.all(name, {})})

    def count(self, name: str, **wanted: str) -> float:
        """Return by how much a counter rose, or several together."""
        return sum(value for _, value in self._rises(name, wanted))

    def by(self, name: str, *split: str, **wanted: str) -> dict[tuple[str, ...], float]:
        """Return by how much a counter rose, for each combination of some labels where it did."""
        found: dict[tuple[str, ...], float] = {}
        for labels, value in self._rises(name, wanted):
            if value > 0:
                key = tuple(labels[one] for one in split)
                found[key] = found.get(key, 0.0) + value
        return found

    def quantile(self, name: str, share: float, **wanted: str) -> float | None:
        """Return a quantile of what a histogram took in meanwhile; None where it was nothing."""
        rises = self._rises(f"{name}_bucket", wanted)
        return quantile([(float(labels["le"]), rise) for labels, rise in rises], share)

    def _rises(self, name: str, wanted: Labels) -> Iterator[tuple[Labels, float]]:
        earlier = {} if self._restarted() else self.before.samples
        was = {tuple(sorted(labels.items())): value for labels, value in earlier.get(name, ())}
        for labels, value in self.after.all(name, wanted):
            yield labels, max(0.0, value - was.get(tuple(sorted(labels.items())), 0.0))

    def _restarted(self) -> bool:
        name = "process_start_time_seconds"
        return [*self.before.all(name, {})] != [*self.after.all(name, {})]


def quantile(cumulative: list[tuple[float, float]], share: float) -> float | None:
    """Estimate a quantile from counts by upper bound, as Prometheus' `histogram_quantile` does.

    Within a bucket its values count as evenly spread, so the estimate is in the bucket of the
    exact value. Of what is above the last finite bound only that bound is known.
    """
    buckets = sorted(cumulative)
    if not buckets or buckets[-1][1] <= 0:
        return None
    rank = share * buckets[-1][1]
    for (low, below), (high, upto) in pairwise([(0.0, 0.0), *buckets]):
        if upto >= rank and upto > below:
            return low if high == inf else low + (high - low) * (rank - below) / (upto - below)
    raise AssertionError("the last count is the largest")
