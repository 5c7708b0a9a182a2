"""A log-linear histogram with one writer and any number of readers."""

from collections.abc import Iterator, Sequence

# 32 cells per octave: a cell is at most 3.2 % wide, so its middle is within 1.6 % of any value
# in it. Values below 64 ns are exact. (HDR histogram's layout: G. Tene, HdrHistogram.)
CELLS_PER_OCTAVE_BITS = 5
CELLS = (64 - CELLS_PER_OCTAVE_BITS) << CELLS_PER_OCTAVE_BITS


def cell_of(value: int) -> int:
    """Return the cell of a value >= 0."""
    shift = max(value.bit_length() - CELLS_PER_OCTAVE_BITS - 1, 0)
    return (shift << CELLS_PER_OCTAVE_BITS) + (value >> shift)


def middle_of(cell: int) -> float:
    """Return the middle of the values that fall into a cell."""
    shift = max((cell >> CELLS_PER_OCTAVE_BITS) - 1, 0)
    first = (cell - (shift << CELLS_PER_OCTAVE_BITS)) << shift
    return first + ((1 << shift) - 1) / 2


class Histogram:
    """Counts and a sum of nanoseconds.

    One thread records (a plain increment, no lock); a scrape copies the counts, and may be a
    few recordings behind, never torn and never ahead of itself.
    """

    __slots__ = ("counts", "total")

    def __init__(self) -> None:
        self.counts = [0] * CELLS
        self.total = 0

    def record(self, value: int) -> None:
        """Count one value in nanoseconds; a negative one counts as 0."""
        value = max(value, 0)
        self.counts[cell_of(value)] += 1
        self.total += value

    def __iadd__(self, other: Histogram) -> Histogram:
        """Add another's counts: merging on scrape."""
        self.counts = [a + b for a, b in zip(self.counts, list(other.counts), strict=True)]
        self.total += other.total
        return self

    def count(self) -> int:
        """Return how many values were recorded."""
        return sum(self.counts)

    def quantile(self, share: float) -> float:
        """Return the value below which ``share`` of the recordings lie, NaN when there is none."""
        rank = share * self.count()
        seen = 0
        for cell, count in enumerate(self.counts):
            seen += count
            if count and seen >= rank:
                return middle_of(cell)
        return float("nan")

    def cumulative(self, bounds: Sequence[int]) -> Iterator[int]:
        """Yield for each ascending bound how many values fell into cells up to the bound's."""
        seen = 0
        cell = 0
        for bound in bounds:
            last = cell_of(bound)
            seen += sum(self.counts[cell:last])
            cell = last
            yield seen
