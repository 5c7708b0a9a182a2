"""The locustfile, run by locust for some seconds against a real service."""

import csv
import http.server
import json
import os
import re
import subprocess
import threading
import time
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from service.app import Service

ROOT = Path(__file__).resolve().parents[2]
PYTHON = ROOT / ".venv-load" / "bin" / "python"
ON_A_BUSY_MACHINE = ("--p99-ms", "60000", "--degraded", "1")

pytestmark = pytest.mark.skipif(
    not PYTHON.exists(), reason="locust has an environment of its own, which `make load` makes"
)


def locust(url: str, folder: Path, *flags: str) -> tuple[int, str, dict[tuple[str, str], Any]]:
    """Run locust for three seconds; return its exit code, its words and the rows of its CSV."""
    words = ("--headless", "--only-summary", "--host", url, "--run-time", "3s")
    reports = ("--html", str(folder / "report.html"), "--csv", str(folder / "report"))
    environment = {name: value for name, value in os.environ.items() if "BRAID_" not in name}
    done = subprocess.run(
        [PYTHON, "-m", "locust", "-f", ROOT / "locustfile.py", *words, *reports, *flags],
        capture_output=True,
        text=True,
        timeout=120,
        env=environment,
        check=False,
    )
    with (folder / "report_stats.csv").open() as stats:
        rows = {(row["Type"], row["Name"]): row for row in csv.DictReader(stats)}
    return done.returncode, done.stdout + done.stderr, rows


def inside(code: str) -> Any:
    """Return what a line of Python prints as JSON, where locust can be imported."""
    words = f"import json, locustfile\nprint(json.dumps({code}))"
    done = subprocess.run([PYTHON, "-c", words], cwd=ROOT, capture_output=True, check=True)
    return json.loads(done.stdout)


class Slow(http.server.ThreadingHTTPServer):
    """Answers everything after half a second, and knows how many waited at once."""

    daemon_threads = True
    request_queue_size = 256

    def __init__(self) -> None:
        self.waiting = self.most = self.asked = 0
        self.lock = threading.Lock()
        super().__init__(("127.0.0.1", 0), SlowAnswer)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing: a user who is stopped at the end hangs up."""

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class SlowAnswer(http.server.BaseHTTPRequestHandler):
    server: Slow

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["content-length"]))
        with self.server.lock:
            self.server.asked += 1
            self.server.waiting += 1
            self.server.most = max(self.server.most, self.server.waiting)
        time.sleep(0.5)
        with self.server.lock:
            self.server.waiting -= 1
        body = b'{"items": [], "degraded": [{"stage": "context"}]}'
        self.send_response(200)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  http.server's name
        """Keep quiet."""


@pytest.fixture
def slow() -> Iterator[Slow]:
    with Slow() as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def test_every_kind_of_user_is_served_and_the_reports_have_the_stages(
    service: Service, tmp_path: Path
) -> None:
    users = ("--users", "10", "--spawn-rate", "10")
    code, told, rows = locust(service.url, tmp_path, *users, *ON_A_BUSY_MACHINE)

    assert code == 0, told
    assert "PASS: " in told
    asked = {name for kind, name in rows if kind == "POST"}
    home, batch = "/v1/recommendations", "/v1/recommendations/batch"
    assert asked == {home, batch, "/v1/similar", "/v1/rank", "/v1/events"}
    score, total = (rows["stage, µs", f"{home} {stage}"] for stage in ("score", "total"))
    assert 0 < float(score["Average Response Time"]) < float(total["Average Response Time"])
    assert int(total["99%"]) > 0
    page = (tmp_path / "report.html").read_text()
    assert f"{home} score" in page
    requests = int(rows["", "Aggregated"]["Request Count"])
    assert requests == sum(int(rows["POST", name]["Request Count"]) for name in asked)


def test_a_run_that_holds_no_bar_says_fail_and_ends_with_1(
    service: Service, tmp_path: Path
) -> None:
    code, told, _ = locust(service.url, tmp_path, "--p99-ms", "0", "Search")
    assert code == 1
    assert "FAIL: " in told
    assert "of /v1/rank (bar 0 ms)" in told


def test_degraded_slates_are_counted_and_fail_a_run(slow: Slow, tmp_path: Path) -> None:
    code, told, _ = locust(slow.url, tmp_path, "--p99-ms", "60000", "Session")
    assert code == 1
    assert "100.00% of" in told
    assert "0 failed" in told


def test_a_service_that_is_not_there_fails_a_run(tmp_path: Path) -> None:
    code, told, _ = locust("http://127.0.0.1:1", tmp_path, *ON_A_BUSY_MACHINE)
    assert code == 1
    assert "FAIL: " in told


def test_a_closed_loop_waits_for_its_answers(slow: Slow, tmp_path: Path) -> None:
    locust(slow.url, tmp_path, "--users", "3", "--spawn-rate", "3", "Session")
    assert slow.most <= 3


def test_an_open_loop_asks_whatever_is_outstanding(slow: Slow, tmp_path: Path) -> None:
    users = ("--users", "3", "--spawn-rate", "3", "--arrivals", "60")
    _, told, rows = locust(slow.url, tmp_path, *users)
    assert slow.most > 10, told
    assert slow.asked > 60
    assert all(row["Failure Count"] == "0" for row in rows.values())
    answered = re.search(r"(\d+) requests", told)
    assert answered is not None
    assert int(answered[1]) == slow.asked, "what was outstanding at the end counts, too"


def test_the_latency_of_an_open_loop_counts_from_when_it_was_due(slow: Slow) -> None:
    took = inside(
        f"""(lambda noted: (
            (environment := __import__("locust.env").env.Environment()),
            environment.events.request.add_listener(
                lambda response_time, **_: noted.append(response_time)
            ),
            setattr(locustfile.Arrivals, "host", {slow.url!r}),
            locustfile.Arrivals(environment).home(due=locustfile.time.perf_counter() - 5),
            noted,
        )[-1])([])"""
    )
    assert 5500 <= took[0] < 60_000


@pytest.mark.parametrize("shape", ["steps", "spikes", "day"])
def test_a_shape_has_somebody_there_at_all_times_and_everybody_at_some(shape: str) -> None:
    shares = inside(f"[locustfile.SHAPES[{shape!r}](second / 600) for second in range(600)]")
    assert min(shares) > 0
    assert max(shares) == pytest.approx(1, abs=0.01)
    assert max(shares) <= 1


def test_three_spikes_come_and_go() -> None:
    shares = inside("[locustfile.spikes(second / 600) for second in range(600)]")
    rises = sum(before < after for before, after in pairwise(shares))
    assert (rises, shares[0]) == (3, 0.2)


def test_a_day_is_quietest_at_night_and_busiest_in_the_evening() -> None:
    hours = inside("[locustfile.day(hour / 24) for hour in range(24)]")
    assert hours.index(max(hours)) == 21
    assert hours.index(min(hours)) in range(1, 7)
    assert hours[13] > hours[17] < hours[21]


def test_a_shape_changes_how_many_users_there_are(slow: Slow, tmp_path: Path) -> None:
    _, told, _ = locust(slow.url, tmp_path, "--users", "5", "--shape", "steps", "--run-time", "7s")
    for users in range(1, 5):
        assert f"Shape test updating to {users} users" in told
