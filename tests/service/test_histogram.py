"""The histogram: within 2 % of any duration, and exact in number."""

import math
import threading

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.observe.buckets import BOUNDS_NS
from service.observe.histogram import CELLS, Histogram, cell_of, middle_of

durations = st.one_of(
    st.integers(0, 2**62),
    st.integers(0, 62).flatmap(lambda power: st.integers(2**power - 1, 2**power + 1)),
    st.integers(0, 10**7),
)


def recorded(*values: int) -> Histogram:
    histogram = Histogram()
    for value in values:
        histogram.record(value)
    return histogram


@given(durations)
def test_the_middle_of_a_values_cell_is_within_two_percent(value: int) -> None:
    assert abs(middle_of(cell_of(value)) - value) <= 0.02 * value


@given(durations, durations)
def test_cells_keep_the_order_of_values(one: int, other: int) -> None:
    low, high = sorted((one, other))
    assert 0 <= cell_of(low) <= cell_of(high) < CELLS


@pytest.mark.parametrize("value", range(64))
def test_the_shortest_durations_are_exact(value: int) -> None:
    assert middle_of(cell_of(value)) == value


def test_every_cell_holds_its_own_middle() -> None:
    # The float middle of a wide cell may round up to the next cell's first value: go by int.
    for cell in range(cell_of(2**52)):
        assert cell_of(int(middle_of(cell))) == cell


def test_the_longest_duration_has_a_cell() -> None:
    assert cell_of(2**63 - 1) < CELLS


def test_a_negative_duration_counts_as_none_and_takes_nothing_from_the_sum() -> None:
    histogram = recorded(-5, 7)
    assert (histogram.count(), histogram.counts[0], histogram.total) == (2, 1, 7)


@given(st.lists(st.integers(0, 2**40), min_size=1, max_size=200), st.floats(0.01, 1.0))
def test_a_quantile_is_within_two_percent_of_the_sorted_lists(
    values: list[int], share: float
) -> None:
    exact = sorted(values)[math.ceil(share * len(values)) - 1]
    assert abs(recorded(*values).quantile(share) - exact) <= 0.02 * exact


@pytest.mark.parametrize(("share", "exact"), [(0.25, 1), (0.5, 10), (0.75, 20), (1.0, 30)])
def test_a_quantile_that_falls_on_a_recording_is_that_recording(share: float, exact: int) -> None:
    assert recorded(30, 1, 20, 10).quantile(share) == exact


def test_of_nothing_there_is_no_quantile() -> None:
    assert math.isnan(Histogram().quantile(0.5))


@given(st.lists(st.integers(0, 2**33), max_size=100))
def test_cumulative_counts_at_powers_of_two_are_exact(values: list[int]) -> None:
    histogram = recorded(*values)
    expected = [sum(value < bound for value in values) for bound in BOUNDS_NS]
    assert list(histogram.cumulative(BOUNDS_NS)) == expected


@given(st.lists(st.lists(st.integers(0, 2**40), max_size=20), max_size=5))
def test_a_merge_is_what_one_histogram_would_have_counted(parts: list[list[int]]) -> None:
    total = Histogram()
    for part in parts:
        total += recorded(*part)
    alone = recorded(*(value for part in parts for value in part))
    assert (total.counts, total.total) == (alone.counts, alone.total)


def test_writers_of_their_own_lose_nothing_while_they_are_merged() -> None:
    writers, each = 4, 20_000
    histograms = [Histogram() for _ in range(writers)]
    values = np.random.default_rng(2).integers(0, 10**7, (writers, each)).tolist()
    start = threading.Barrier(writers + 1)

    def write(number: int) -> None:
        start.wait()
        for value in values[number]:
            histograms[number].record(value)

    threads = [threading.Thread(target=write, args=(number,)) for number in range(writers)]
    for thread in threads:
        thread.start()
    start.wait()
    seen = 0
    while any(thread.is_alive() for thread in threads):
        total = Histogram()
        for histogram in histograms:
            total += histogram
        assert seen <= total.count() <= writers * each
        seen = total.count()
    for thread in threads:
        thread.join()
    total = Histogram()
    for histogram in histograms:
        total += histogram
    assert total.count() == writers * each
    assert total.total == sum(map(sum, values))
