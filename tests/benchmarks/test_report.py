"""Judging and writing, on results made by hand."""

import json
from pathlib import Path
from typing import Any

import pytest

from benchmarks.__main__ import arguments
from benchmarks.bars import BARS, rate_within
from benchmarks.machine import describe
from benchmarks.report import keep, write

JUDGES = {bar.id: bar.judge for bar in BARS}
RUN = {"p50_ms": 1.0, "p95_ms": 1.0, "p99_ms": 1.0, "per_second": 9.0}
RUN |= {f"{who}_cpu_ms": 1.0 for who in ("server", "store", "client")}


def contestant(name: str, milliseconds: float, rates: dict[float, float]) -> dict[str, Any]:
    """Return one that is so slow, and whose p99 at each rate is this."""
    timed = RUN | {"p50_ms": milliseconds, "p99_ms": 2 * milliseconds}
    points = [{"rate": rate, "p99_ms": p99, "failed": 0} for rate, p99 in rates.items()]
    memory = {"rss": 1.0, "pss": 1.0}
    return {
        "name": name,
        "about": "",
        "closed": {"1": timed, "8": timed},
        "open": points,
        "memory_mib": memory,
    }


def ranked(peer_ms: float, peer_rates: dict[float, float]) -> dict[str, Any]:
    return {
        "work": {
            "candidates": 1,
            "features": 1,
            "trees": 1,
            "catalogue": 1,
            "limit": 1,
            "repetitions": 1,
        },
        "equal": {"requests": 1, "largest_difference": {"braid": 0.0}},
        "contestants": [
            contestant("braid", 2.0, {100: 5, 400: 24, 800: 90}),
            contestant("fastapi", peer_ms, peer_rates),
        ],
        "stages_ms": {"braid": {"score": 1.0, "total": 2.0}},
    }


def test_a_rate_counts_while_its_p99_stays_within_the_limit_and_nothing_fails() -> None:
    one = contestant("braid", 1.0, {100: 5, 400: 24, 800: 90})
    assert rate_within(one) == 400
    one["open"][1]["failed"] = 1
    assert rate_within(one) == 100
    assert rate_within(one, limit_ms=1) == 0


@pytest.mark.parametrize(("peer_ms", "met"), [(10.0, True), (9.9, False)])
def test_b1_asks_for_five_times(peer_ms: float, met: bool) -> None:
    judge = JUDGES["B1"]
    assert judge is not None
    assert judge(ranked(peer_ms, {})).met is met


@pytest.mark.parametrize(
    ("rates", "met"), [({100: 20.0}, True), ({101: 20.0}, False), ({50: 26.0}, True)]
)
def test_b2_asks_for_four_times_the_rate(rates: dict[float, float], met: bool) -> None:
    judge = JUDGES["B2"]
    assert judge is not None
    assert judge(ranked(10.0, rates)).met is met


@pytest.mark.parametrize(
    ("on", "counted", "met"), [(1.01, 9, True), (1.02, 9, False), (1, 8, False)]
)
def test_b12_asks_for_one_percent_and_for_exact_counts(on: float, counted: int, met: bool) -> None:
    judge = JUDGES["B12"]
    assert judge is not None
    instruments = {
        "instruments on": {"p50_ms": on},
        "instruments off": {"p50_ms": 1.0},
        "requests_sent": 9,
        "requests_counted": counted,
    }
    assert judge({"instruments": instruments, "instruments_direct_us": 1.0}).met is met


@pytest.mark.parametrize(
    ("changes", "met"),
    [
        ({}, True),
        ({"during": {"requests": 9.0, "p99_ms": 12.1}}, False),
        ({"failed": 1}, False),
        ({"mixed": 1}, False),
        ({"refused": ["model-refused"]}, False),
        ({"during": {"requests": 0.0}}, False),
    ],
)
def test_b13_asks_that_nothing_fails_nothing_mixes_and_few_wait(
    changes: dict[str, Any], met: bool
) -> None:
    judge = JUDGES["B13"]
    assert judge is not None
    calm = {"requests": 9.0, "p99_ms": 10.0}
    swapped = {"swaps": 2, "rate": 5.0, "failed": 0, "mixed": 0, "refused": [], "outside": calm}
    assert judge({**swapped, "during": {"requests": 9.0, "p99_ms": 12.0}, **changes}).met is met


def kept(folder: Path, size: str) -> None:
    printed = {"machine": describe(), "load_before": [0, 0, 0], "results": ranked(10.0, {50: 9.0})}
    keep(folder, "rank", size, printed)


def test_a_bar_that_was_not_run_says_so(tmp_path: Path) -> None:
    bars = {bar["id"]: bar for bar in write(tmp_path)}
    assert [*bars] == [f"B{number}" for number in range(1, 14)]
    assert {bar["figure"] for bar in bars.values()} == {"not run"}
    assert (tmp_path / "report.md").read_text().count("not run") >= 13


def test_results_have_the_bars_with_figure_peer_and_verdict(tmp_path: Path) -> None:
    kept(tmp_path, "full")
    write(tmp_path)
    bars = {bar["id"]: bar for bar in json.loads((tmp_path / "results.json").read_text())}
    assert bars["B1"]["met"] is True
    assert {"id", "what", "bar", "figure", "peer", "met", "machine"} <= bars["B1"].keys()
    assert bars["B8"]["met"] is None


def test_a_tiny_run_is_not_judged(tmp_path: Path) -> None:
    kept(tmp_path, "tiny")
    assert write(tmp_path)[0]["met"] is None


def test_the_report_shows_the_pictures_and_says_on_what_it_was_measured(tmp_path: Path) -> None:
    kept(tmp_path, "full")
    write(tmp_path)
    report = (tmp_path / "report.md").read_text()
    assert describe()["processor"] in report
    for name in ("rank-closed", "rank-open", "rank-stages"):
        assert f"(plots/{name}.svg)" in report
        assert (tmp_path / "plots" / f"{name}.svg").stat().st_size < 60_000


def test_a_benchmark_that_there_is_none_of_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        arguments(["rnak"])
    assert "there are rank, crew" in capsys.readouterr().err
