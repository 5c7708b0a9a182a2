"""GCRA: the rate holds exactly, whatever comes when, and whatever threads do."""

import threading
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numba import njit

from service.access.gcra import Word, take
from service.access.rate import Bucket, Rate

RATES = st.builds(Rate, st.integers(1, 50), st.sampled_from([1, 60, 3600]))
GAPS = st.lists(st.integers(0, 3 * 10**9), min_size=1, max_size=200)
START_NS = 10**15


class Tokens:
    """A bucket of fractions of tokens: the textbook's, exact, and too slow."""

    def __init__(self, rate: Rate) -> None:
        self._interval = Fraction(rate.period_s * 10**9 // rate.count)
        self._most = rate.count
        self._left = Fraction(rate.count)
        self._at = 0

    def take(self, now_ns: int) -> bool:
        self._left = min(self._left + (now_ns - self._at) / self._interval, Fraction(self._most))
        self._at = now_ns
        if self._left < 1:
            return False
        self._left -= 1
        return True


@given(rate=RATES, gaps=GAPS)
def test_it_lets_in_whom_a_bucket_of_tokens_lets_in(rate: Rate, gaps: list[int]) -> None:
    bucket, tokens, now = Bucket(rate), Tokens(rate), START_NS
    for gap in gaps:
        now += gap
        assert (bucket.take(now) >= 0) == tokens.take(now)


@given(rate=RATES, gaps=GAPS)
def test_who_waits_as_long_as_told_is_let_in_and_no_sooner(rate: Rate, gaps: list[int]) -> None:
    bucket, now = Bucket(rate), START_NS
    for gap in gaps:
        now += gap // 1000
        left = bucket.take(now)
        if left < 0:
            assert bucket.take(now - left - 1) < 0
            assert bucket.take(now - left) == 0
            now -= left


@given(RATES)
def test_at_once_as_many_as_its_count_and_not_one_more(rate: Rate) -> None:
    bucket = Bucket(rate)
    assert [bucket.take(START_NS) for _ in range(rate.count)] == [*reversed(range(rate.count))]
    assert bucket.take(START_NS) < 0


def test_refusals_take_nothing() -> None:
    bucket = Bucket(Rate(2, 1))
    assert [bucket.take(START_NS) >= 0 for _ in range(100)] == [True, True] + 98 * [False]
    assert bucket.take(START_NS + 500_000_000) == 0


def test_a_clock_that_is_read_late_gains_nothing() -> None:
    bucket = Bucket(Rate(2, 1))
    assert bucket.take(START_NS) == 1
    assert bucket.take(START_NS - 10**9) < 0  # as if the bucket had been full later than it was
    assert bucket.take(START_NS) == 0


@njit(nogil=True)
def hammer(word: Word, interval_ns: int, capacity_ns: int, times: int) -> int:
    """Take so fast that threads meet within one take, which calls from Python hardly do."""
    taken = 0
    for _ in range(times):
        taken += take(word, START_NS, interval_ns, capacity_ns) >= 0
    return taken


@pytest.mark.parametrize("threads", [2, 4])
def test_threads_together_take_exactly_what_there_is(threads: int) -> None:
    there, interval_ns = 500_000, 1000
    word = np.zeros(1, np.int64)
    together = threading.Barrier(threads)
    taken = [0] * threads
    hammer(np.zeros(1, np.int64), 1, 1, 1)  # compile

    def run(index: int) -> None:
        together.wait()
        taken[index] = hammer(word, interval_ns, there * interval_ns, there)

    running = [threading.Thread(target=run, args=(index,)) for index in range(threads)]
    for thread in running:
        thread.start()
    for thread in running:
        thread.join()
    assert sum(taken) == there
    assert word[0] == START_NS + there * interval_ns


@pytest.mark.parametrize(
    ("text", "rate"),
    [("100/s", Rate(100, 1)), ("600/min", Rate(600, 60)), ("5000/h", Rate(5000, 3600))],
)
def test_a_rate_is_read(text: str, rate: Rate) -> None:
    assert Rate.parse(text) == rate


@pytest.mark.parametrize(
    "text", ["", "0/s", "-1/s", "1.5/s", "10", "10/d", "10/s ", "10/s\n", "10000000/s"]
)
def test_what_is_no_rate_is_refused_with_the_remedy(text: str) -> None:
    with pytest.raises(ValueError, match="100/s"):
        Rate.parse(text)
