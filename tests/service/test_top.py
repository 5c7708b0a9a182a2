"""`braid top`: from two readings to figures, to a picture, and all of it on a real service."""

import io
import os
import pty
import re
import select
import signal
import subprocess
import sys
import time
from bisect import bisect_left
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from service import cli
from service.app import Service
from service.observe.buckets import BOUNDS_NS, NS_PER_S, buckets
from service.observe.histogram import Histogram
from service.terminal.top import frame
from service.terminal.top_change import Change, Reading, quantile
from service.terminal.top_figures import Figures, figures
from tests.service.conftest import Client

BOUNDS = [0.0, *(bound / NS_PER_S for bound in BOUNDS_NS)]
SHARES = (0.5, 0.95, 0.99)


def change(before: str, after: str, seconds: float = 2.0) -> Change:
    return Change(Reading.parse(before, 100.0), Reading.parse(after, 100.0 + seconds))


def page(histogram: Histogram, stage: str = "score") -> str:
    name = "braid_stage_duration_seconds"
    lines = [
        f'{name}_bucket{{stage="{stage}",le="{bound}"}} {count}'
        for bound, count in buckets(histogram)
    ]
    lines.append(f'{name}_count{{stage="{stage}"}} {histogram.count()}')
    return "\n".join((f"# TYPE {name} histogram", *lines, ""))


def shown(found: Figures, width: int = 80, state: str = "ready") -> str:
    console = Console(file=io.StringIO(), width=width)
    console.print(frame(found, "http://127.0.0.1:8000", state))
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


@given(
    st.lists(st.integers(16_384, BOUNDS_NS[-1] - 1), max_size=60),
    st.lists(st.integers(16_384, BOUNDS_NS[-1] - 1), min_size=1, max_size=60),
    st.sampled_from(SHARES),
)
def test_a_quantile_is_in_the_bucket_of_the_exact_one_of_what_came_between(
    earlier: list[int], later: list[int], share: float
) -> None:
    histogram = Histogram()
    for took in earlier:
        histogram.record(took)
    before = page(histogram)
    for took in later:
        histogram.record(took)
    found = change(before, page(histogram)).quantile(
        "braid_stage_duration_seconds", share, stage="score"
    )
    exact = float(np.quantile(later, share, method="inverted_cdf")) / NS_PER_S
    place = bisect_left(BOUNDS, exact)
    # A cell begins at each bound, so a value that is one counts as above it.
    low = BOUNDS[place - 1]
    high = BOUNDS[min(place + (BOUNDS[place] == exact), len(BOUNDS) - 1)]
    assert found is not None
    assert low <= found <= high


def test_of_what_is_above_the_last_bound_only_that_is_known() -> None:
    assert quantile([(1.0, 2.0), (float("inf"), 10.0)], 0.5) == 1.0


def test_nothing_has_no_quantile() -> None:
    assert quantile([], 0.5) is None
    assert quantile([(1.0, 0.0), (float("inf"), 0.0)], 0.5) is None


@given(st.lists(st.floats(0.01, 10), min_size=1, max_size=20, unique=True))
def test_quantiles_never_fall_as_the_share_rises(bounds: list[float]) -> None:
    cumulative = [(bound, float(count)) for count, bound in enumerate(sorted(bounds), 1)]
    found = [quantile(cumulative, share / 20) or 0 for share in range(1, 21)]
    assert all(low <= high for low, high in pairwise(found))


REQUESTS = 'braid_requests_total{{route="/v1/rank",status="{}"}} {}\n'


def test_rates_are_per_second_and_failures_are_told_apart() -> None:
    before = REQUESTS.format(200, 10) + REQUESTS.format(503, 1)
    after = REQUESTS.format(200, 110) + REQUESTS.format(503, 5) + REQUESTS.format(400, 2)
    found = figures(change(before, after, seconds=4), now_s=0)
    assert found.requests == (100 + 4 + 2) / 4
    assert found.failed == {"503": 1.0}


def test_a_service_that_was_restarted_counts_from_nothing() -> None:
    started = "process_start_time_seconds {}\n"
    before = started.format(1) + REQUESTS.format(200, 90)
    after = started.format(50) + REQUESTS.format(200, 100)
    assert change(before, after).count("braid_requests_total") == 100


def test_what_falls_back_is_told_by_stage_and_reason() -> None:
    after = 'braid_degraded_total{stage="context",reason="timeout"} 6\n'
    found = figures(change("", after, seconds=3), now_s=0)
    assert found.degraded == {"context (timeout)": 2.0}
    assert "context (timeout) 2.0/s" in shown(found)


def test_stages_come_in_the_order_of_a_request_with_the_total_at_the_end() -> None:
    histogram = Histogram()
    histogram.record(1_000_000)
    names = ("total", "score", "mine", "context")
    after = "".join(page(histogram, name) for name in names)
    found = figures(change("", after), now_s=0)
    assert [one.name for one in found.stages] == ["context", "score", "mine", "total"]
    assert all(0.9 < one.p50_ms < 1.1 and one.per_s == 0.5 for one in found.stages)


def test_an_open_breaker_and_a_distrusted_cache_are_told() -> None:
    after = 'braid_store_breaker{node="a",state="open"} 2\nbraid_near_cache_trusted 0\n'
    text = shown(figures(change("", after), now_s=0), state="not ready")
    for words in ("2 open", "not trusted", "not ready"):
        assert words in text


@pytest.mark.parametrize("width", [40, 60, 200])
def test_a_picture_keeps_to_the_terminals_width(width: int) -> None:
    histogram = Histogram()
    histogram.record(3_000_000_000)
    after = page(histogram, "retrieve") + 'braid_refused_total{priority="live",reason="full"} 9\n'
    lines = shown(figures(change("", after), now_s=0), width).splitlines()
    assert max(map(len, lines)) <= width
    assert any(re.match(r"retrieve( +\d{4}){3} +0\.5", line) for line in lines), lines


def test_a_service_without_requests_has_a_picture_too() -> None:
    assert "No request was answered" in shown(figures(change("", ""), now_s=0))


@pytest.mark.parametrize("flags", [("--once",), ()])
def test_without_a_terminal_one_picture_is_printed(
    service: Service,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
    flags: tuple[str, ...],
) -> None:
    monkeypatch.setattr(cli, "gil_enabled", lambda: False)
    words = ["braid", "top", "--url", service.url, "--interval-s", "0.1", *flags]
    monkeypatch.setattr(sys, "argv", words)
    with pytest.raises(SystemExit) as ended:
        cli.main()
    assert not ended.value.code
    told = capfd.readouterr().out
    assert f"Braid {service.url}" in told
    assert service.state.read().snapshot.version in told.replace("\n", " ")
    assert "ready" in told


def test_on_a_terminal_it_goes_on_until_ctrl_c(service: Service, api: Client) -> None:
    near, far = pty.openpty()
    words = (sys.executable, "-m", "service.cli", "top", "--url", service.url, "--interval-s=0.2")
    environment = os.environ | {"TERM": "xterm", "COLUMNS": "100", "LINES": "40"}
    running = subprocess.Popen(words, stdin=far, stdout=far, stderr=far, env=environment)
    os.close(far)
    # Not select(): late in a whole run of tests this file has a number above its 1023.
    told = select.poll()
    told.register(near, select.POLLIN)
    seen, until = b"", time.monotonic() + 60
    while not (b"context" in seen and b"near cache" in seen) and time.monotonic() < until:
        api.recommend(user_id="196")
        if told.poll(100):
            seen += os.read(near, 65536)
    assert b"p99 ms" in seen
    running.send_signal(signal.SIGINT)
    while running.poll() is None and time.monotonic() < until:
        if told.poll(100):
            try:
                seen += os.read(near, 65536)
            except OSError:  # how Linux says that nobody holds the other end any more
                break
    assert running.wait(timeout=30) == 0
    assert b"Traceback" not in seen
    os.close(near)
