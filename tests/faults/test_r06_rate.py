"""R6: a cluster under requests that are due whatever comes; slots move, and a master dies.

Requests come again and again, each with its seed, so whole answers are known beforehand: one
that differs had a wrong row. While slots move there is no near cache, so that every request reads
rows of every node; six nodes, the service and the client then share two cores at most at 200
requests a second. The master dies at 500, in front of a service as it is shipped.
"""

import json
import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from benchmarks.client import Address, Connection, Reply, arrivals, open_loop, post
from features import keys
from tests.faults.figures import Figures
from tests.faults.length import LENGTH, Length
from tests.faults.serving import await_ready, served
from tests.features.cluster import LocalCluster
from tests.features.dropped import UNCLOSED
from tests.features.shelves import until
from tests.filling import fill

pytestmark = UNCLOSED

USERS = 100
REQUESTS = [
    post(
        "/v1/recommendations",
        json.dumps(
            {"user_id": str(user), "limit": 10, "deadline_ms": deadline_ms, "seed": 7}
        ).encode(),
    )
    for deadline_ms in (500, 10_000)
    for user in range(1, USERS + 1)
]
PAUSE_S = 0.02
"""Between two moves: who moves slots in a tight loop takes half of a core from what is asked."""

HASTY, PATIENT = REQUESTS[:USERS], REQUESTS[USERS:]


@pytest.fixture(scope="module")
def cluster(artifacts: Path) -> Iterator[LocalCluster]:
    with LocalCluster(3, 1) as cluster:
        fill(cluster, artifacts)
        until(cluster.is_whole)
        yield cluster


@pytest.fixture(scope="module", params=[()])
def address(
    artifacts: Path,
    cluster: LocalCluster,
    pytestconfig: pytest.Config,
    request: pytest.FixtureRequest,
) -> Iterator[Address]:
    flags = ["--redis", cluster.url, *request.param]
    if LENGTH not in pytestconfig.stash:  # a busy machine is not what the short form is about
        flags += ["--longest-wait-ms", "5000", "--fetch-budget-ms", "2000"]
    else:  # these clients have half a second, and nine processes share the cores
        flags += ["--longest-wait-ms", "250"]
    with served(artifacts, *flags) as (_, url):
        port = int(url.rpartition(":")[2])
        await_ready(port)
        yield "127.0.0.1", port


@dataclass
class Course:
    """Requests of an open loop and, by the order of their answers, what became of them."""

    requests: Sequence[bytes]
    expected: Sequence[Any]
    ended_s: list[float] = field(default_factory=list)
    status: list[int] = field(default_factory=list)
    degraded: list[bool] = field(default_factory=list)
    wrong: list[bool] = field(default_factory=list)
    codes: Counter[str] = field(default_factory=Counter)
    latencies_s: Any = None

    def run(self, address: Address, rate: float, seconds: float) -> None:
        """Ask until the time is up."""
        schedule = arrivals(rate, seconds, seed=6)
        self.latencies_s = open_loop(
            address, self.requests, schedule, accept=self._take
        ).latencies_s

    def since(self, start_s: float) -> slice:
        """Return the places of the answers that came after a moment of `time.monotonic`."""
        return slice(int(np.searchsorted(self.ended_s, start_s)), None)

    def _take(self, reply: Reply, number: int) -> bool:
        body = json.loads(reply.body) if reply.status == 200 else {}
        whole = reply.status == 200 and not body["degraded"]
        self.ended_s.append(time.monotonic())
        self.status.append(reply.status)
        self.degraded.append(reply.status == 200 and not whole)
        self.wrong.append(whole and body["items"] != self.expected[number])
        if reply.status != 200:
            self.codes[json.loads(reply.body)["type"]] += 1
        return reply.status == 200


@pytest.fixture
def course(address: Address, length: Length) -> Course:
    """Ask each request once, patiently, to know its answer."""
    until(lambda: not any(body["degraded"] for body in _answers(address, PATIENT[:10])), 60)
    requests = length.pick(short=PATIENT, ci=HASTY, full=HASTY)
    return Course(requests, [body["items"] for body in _answers(address, PATIENT)])


def _answers(address: Address, requests: Sequence[bytes]) -> list[Any]:
    connection = Connection(address)
    try:
        return [json.loads(connection.ask(request).body) for request in requests]
    finally:
        connection.close()


def _note(figures: Figures, course: Course, rate: float) -> None:
    figures.note("asked", rate, "requests/s")
    figures.note("requests", len(course.latencies_s))
    answered_s = course.latencies_s[np.isfinite(course.latencies_s)]
    figures.note("p50 from due", float(np.quantile(answered_s, 0.5)) * 1e3, "ms")
    figures.note("p99 from due", float(np.quantile(answered_s, 0.99)) * 1e3, "ms")
    figures.note("degraded", sum(course.degraded))
    figures.note("refused", ", ".join(f"{code} {n}" for code, n in course.codes.items()) or "none")
    figures.hold("answers with a wrong row", sum(course.wrong), equal=0)


@pytest.mark.parametrize("address", [("--near-cache-mib", "0")], indirect=True)
@pytest.mark.fault("R6", "slots move from node to node at 200 requests/s, no near cache")
def test_slots_move_at_full_rate_without_a_wrong_row(
    address: Address, course: Course, cluster: LocalCluster, figures: Figures, length: Length
) -> None:
    rate = length.pick(short=30, ci=200, full=200)
    seconds = length.pick(short=2, ci=20, full=60)
    asking = threading.Thread(target=course.run, args=(address, rate, seconds))
    asking.start()
    masters = [node for node in cluster.living() if node.is_master()]
    moved = 0
    while asking.is_alive():
        cluster.move([keys.SLOTS[moved % keys.PARTITIONS]], masters[moved % len(masters)])
        moved += 1
        time.sleep(PAUSE_S)
    asking.join()
    figures.note("slots moved", moved)
    _note(figures, course, rate)
    figures.hold("answers of 5xx", sum(status >= 500 for status in course.status), equal=0)


@pytest.mark.fault("R6", "a cluster's master is killed at 500 requests/s")
def test_a_master_that_dies_at_full_rate_costs_no_answer(
    address: Address, course: Course, cluster: LocalCluster, figures: Figures, length: Length
) -> None:
    rate = length.pick(short=30, ci=500, full=500)
    seconds = length.pick(short=6, ci=20, full=60)
    until(cluster.is_whole)
    asking = threading.Thread(target=course.run, args=(address, rate, seconds))
    asking.start()
    time.sleep(seconds / 10)
    killed_s = time.monotonic()
    cluster.kill(cluster.owner(keys.SLOTS[0]))
    asking.join()
    late = course.status[course.since(killed_s + 1)]
    refused, refused_late = (sum(one >= 500 for one in part) for part in (course.status, late))
    figures.note("5xx until 1 s after the kill", refused - refused_late)
    figures.hold("answers of 5xx later than that", refused_late, equal=0)
    _note(figures, course, rate)
    places = np.flatnonzero(course.degraded)
    assert len(places), "what the dead node had was stood in for, flagged"
    full_s = course.ended_s[places[-1]] - killed_s
    figures.hold("full quality after (node timeout 1 s)", full_s, at_most=10.0, unit="s")
    until(lambda: [body["items"] for body in _answers(address, PATIENT)] == course.expected, 60)
