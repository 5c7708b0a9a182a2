"""R9: Redis stands still for two seconds, and whoever is not served asks again at once.

What kept services down after a fault had passed was often the work of repeating (metastable
failures; N. Bronson and others, HotOS 2021): so here each client gives up after 100 ms and asks
again, three times, and what they offer before the fault is most of what can be done. Half of it
are slates, half events.
"""

import json
import os
import signal
import threading
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from benchmarks import servers
from benchmarks.client import arrivals, closed_loop, post
from benchmarks.flood import Answers, flood
from service.embedded import EmbeddedValkey
from tests.faults.ahead import ahead
from tests.faults.figures import Figures
from tests.faults.length import Length
from tests.filling import fill

LOAD = 0.7
STALLED_S = 2.0
DEADLINE_S = 0.05
RECOVERY_S = 1.0
SLATES = [
    post("/v1/recommendations", json.dumps({"user_id": str(user), "limit": 20}).encode())
    for user in range(1, 200)
]
EVENTS = [
    post(
        "/v1/events",
        json.dumps(
            {"events": [{"user_id": f"storm-{user}", "item_id": "50", "type": "click"}]}
        ).encode(),
    )
    for user in range(1, 200)
]
REQUESTS = [request for pair in zip(SLATES, EVENTS, strict=True) for request in pair]
"""A slate has a fallback; an event that the store does not confirm has none, and is repeated."""


@pytest.mark.fault("R9", "Redis stands still for 2 s, every client asks again at once")
def test_after_a_storm_of_repetitions_all_is_as_before(
    artifacts: Path, tmp_path: Path, figures: Figures, length: Length
) -> None:
    before_s = length.pick(short=2.0, ci=5.0, full=20.0)
    port = servers.free_port()
    with EmbeddedValkey() as store:
        fill(store, artifacts)
        flags = ["--redis", store.url, "--artifact", str(artifacts), "--loops", "1", "--crew", "0"]
        flags += ["--scorer", "tests.faults.slow_scorer:score"]
        command, log = servers.braid(port, *flags), tmp_path / "log"
        probe = post("/v1/recommendations", b'{"user_id":"1","deadline_ms":10000}')
        with (
            servers.serving("braid", command, port, probe, log) as server,
            ahead(server.pid, store.pid),
        ):
            closed_loop(server.address, SLATES, 2, 1.0)
            capacity = closed_loop(server.address, SLATES, 2, 1.0).per_second
            schedule = arrivals(2 * LOAD * capacity, 2 * before_s + STALLED_S, seed=9)
            fault = threading.Timer(before_s, _stall, (store.pid,))
            fault.start()
            answers = flood(server.address, REQUESTS, schedule, retries=3, timeout_s=0.1)
            fault.join()

    due_s, good = answers.due_s, answers.good(DEADLINE_S) & (answers.tries == 1)
    slates = np.arange(len(due_s)) % 2 == 0
    usual, stalled = due_s < before_s, (due_s >= before_s) & (due_s < before_s + STALLED_S)
    after = due_s >= before_s + STALLED_S + RECOVERY_S
    for what, these in (("slates", slates), ("events", ~slates)):
        _note(figures, f"{what} before", answers, usual & these)
        _note(figures, f"{what} while it stands still", answers, stalled & these)
        _note(figures, f"{what} from 1 s after it", answers, after & these)
    figures.hold(
        "good at the first try from 1 s after, of before",
        good[after].mean() / good[usual].mean(),
        at_least=0.95,
    )
    figures.hold("not answered at all", int((answers.status == 0)[after].sum()), equal=0)


def _stall(pid: int) -> None:
    os.kill(pid, signal.SIGSTOP)
    try:
        threading.Event().wait(STALLED_S)
    finally:
        os.kill(pid, signal.SIGCONT)


def _note(figures: Figures, when: str, answers: Answers, which: NDArray[np.bool_]) -> None:
    served = answers.status[which] == 200
    figures.note(f"answered {when}", served.mean() * 100, "%")
    figures.note(f"tries a request {when}", answers.tries[which].mean())
