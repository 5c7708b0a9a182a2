"""The stopwatch of one request."""

import re

import pytest

from service.observe import spans
from service.observe.spans import Trace


class Clock:
    """A clock that the test moves."""

    def __init__(self) -> None:
        self.now_ns = 1_000_000_000

    def __call__(self) -> int:
        return self.now_ns


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(spans, "perf_counter_ns", clock)
    return clock


def test_stages_are_told_in_their_order_in_milliseconds_and_the_total_last(clock: Clock) -> None:
    trace = Trace()
    for stage, took_ns in (("context", 1_234_567), ("retrieve", 400), ("features", 0)):
        with trace.span(stage):
            clock.now_ns += took_ns
    clock.now_ns += 1_000_000
    assert trace.server_timing() == (
        "context;dur=1.235, retrieve;dur=0.000, features;dur=0.000, total;dur=2.235"
    )


def test_the_header_is_what_the_standard_allows(clock: Clock) -> None:
    trace = Trace()
    with trace.span("score"):
        clock.now_ns += 12_345_678_901
    metric = r"[!#$%&'*+.^_`|~0-9A-Za-z-]+;dur=\d+\.\d{3}"
    assert re.fullmatch(rf"{metric}(, {metric})*", trace.server_timing())


def test_a_stage_that_raises_is_timed_and_its_error_goes_on(clock: Clock) -> None:
    trace = Trace()
    with pytest.raises(KeyError), trace.span("score"):  # noqa: PT012  the span is what is tested
        clock.now_ns += 5
        raise KeyError
    [(name, start, stop)] = trace.spans
    assert (name, stop - start) == ("score", 5)


def test_without_a_deadline_time_never_runs_out(clock: Clock) -> None:
    assert Trace().left_s() == float("inf")


def test_the_deadline_counts_from_the_arrival_and_never_below_zero(clock: Clock) -> None:
    trace = Trace()
    clock.now_ns += 20_000_000
    trace.expire_in(50)
    assert trace.left_s() == pytest.approx(0.030)
    clock.now_ns += 29_999_999
    assert trace.left_s() == pytest.approx(1e-9)
    clock.now_ns += 2
    assert trace.left_s() == 0


def test_what_fell_back_is_kept_in_order(clock: Clock) -> None:
    trace = Trace()
    trace.degrade("context", "store_timeout")
    trace.degrade("features", "store_down")
    assert trace.degraded == [("context", "store_timeout"), ("features", "store_down")]


def test_the_nearest_deadline_counts(clock: Clock) -> None:
    trace = Trace()
    for deadline_ms in (40, 30, 50):
        trace.expire_in(deadline_ms)
    assert trace.left_s() == pytest.approx(0.030)
    assert not trace.expired()
    clock.now_ns += 30_000_000
    assert trace.expired()


def test_a_share_is_one_of_what_is_left_and_nothing_past_the_deadline(clock: Clock) -> None:
    trace = Trace()
    assert trace.stop_ns(0.5) == float("inf")
    trace.expire_in(100)
    clock.now_ns += 20_000_000
    assert trace.stop_ns(0.5) == clock.now_ns + 40_000_000
    assert spans.seconds_until(trace.stop_ns(0.5)) == pytest.approx(0.040)
    clock.now_ns += 200_000_000
    assert trace.stop_ns(0.5) == clock.now_ns
    assert spans.seconds_until(trace.stop_ns(0.5)) == 0
