"""R8: more is asked than can be done, for as long as one likes.

One event loop, no helpers, and a scorer in plain Python, so that ten times its capacity is still
something that a client on the other core can send. Requests are due by a Poisson schedule, whatever
the server does; good is a 200 within 50 ms of being due, the contract's default deadline.
"""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest

from benchmarks import servers
from benchmarks.client import arrivals, closed_loop, post
from benchmarks.flood import Answers, flood
from benchmarks.servers import Server
from service.embedded import EmbeddedValkey
from tests.faults.ahead import ahead
from tests.faults.figures import Figures
from tests.faults.length import Length

DEADLINE_S = 0.05
LOADS = (0.8, 0.9, 1.0, 1.1)
CALM, CALM_S = 0.25, 3.0
RECOVERY_S = 1.0
REQUESTS = [
    post("/v1/recommendations", json.dumps({"user_id": str(user), "limit": 20}).encode())
    for user in range(1, 200)
]


@contextmanager
def serving(artifacts: Path, store: EmbeddedValkey, variant: str | None) -> Iterator[Server]:
    """Serve in a process of its own, before all others."""
    port = servers.free_port()
    flags = ["--redis", store.url, "--artifact", str(artifacts), "--loops", "1", "--crew", "0"]
    flags += ["--scorer", "tests.faults.slow_scorer:score", "--fetch-budget-ms", "1000"]
    command = servers.braid(port, *flags, variant=variant)
    log = artifacts.parent / f"{port}.log"
    # The first answers come late, while compiled kernels are loaded.
    probe = post("/v1/recommendations", b'{"user_id":"1","deadline_ms":10000}')
    with (
        servers.serving("braid", command, port, probe, log) as server,
        ahead(server.pid, store.pid),
    ):
        yield server


class Load:
    """Drives one server, and knows what it can do."""

    def __init__(self, server: Server, seconds: float) -> None:
        """Find the capacity in a closed loop of two."""
        self._server = server
        closed_loop(server.address, REQUESTS, 2, 1.0)
        before_s = server.cpu_s()
        run = closed_loop(server.address, REQUESTS, 2, seconds)
        self.capacity = run.per_second
        self.cost_s = (server.cpu_s() - before_s) / len(run.latencies_s)

    def offer(self, *loads: tuple[float, float]) -> Answers:
        """Offer (times the capacity, seconds), one after the other without a pause."""
        schedule = [np.zeros(1)]
        for load, seconds in loads:
            gone_s = schedule[-1][-1]
            schedule.append(gone_s + arrivals(load * self.capacity, seconds, seed=8))
        return flood(self._server.address, REQUESTS, np.concatenate(schedule[1:]))

    def costed(self, load: float, seconds: float) -> tuple[Answers, float]:
        """Offer, and return also the server's seconds for each refusal."""
        before_s = self._server.cpu_s()
        answers = self.offer((load, seconds))
        used_s = self._server.cpu_s() - before_s
        refused = int((answers.status == 503).sum())
        return answers, (used_s - (len(answers.status) - refused) * self.cost_s) / max(refused, 1)


def good_per_second(answers: Answers) -> float:
    """Return how many answers a second were good."""
    return float(answers.good(DEADLINE_S).sum() / answers.due_s[-1])


def note_overload(figures: Figures, answers: Answers, times: int) -> None:
    """Hold that everybody got an answer, and note who got which."""
    refused = answers.status == 503
    assert set(np.unique(answers.status)) <= {200, 503}
    assert answers.told[refused].all(), "each is told when to come back"
    answered_s = answers.latency_s[~refused]
    figures.note(f"refused at {times}x", refused.mean() * 100, "%")
    figures.note(f"answered with less effort at {times}x", answers.reduced.mean() * 100, "%")
    figures.note(f"answered at {times}x, p99", np.quantile(answered_s, 0.99) * 1e3, "ms")
    if refused.any():
        for share in (0.5, 0.99):
            heard_ms = np.quantile(answers.waited_s[refused], share) * 1e3
            figures.note(f"refusal heard at {times}x, p{share * 100:.0f}", heard_ms, "ms")
    used = answers.client_cpu_s / answers.elapsed_s
    figures.note(f"client's core at {times}x", used * 100, "%")


@pytest.mark.fault("R8", "2x and 10x what can be done")
@pytest.mark.parametrize("variant", [None, "full-effort"], ids=["as-it-comes", "refusing-alone"])
def test_goodput_stays_near_its_peak(
    variant: str | None, artifacts: Path, filled: EmbeddedValkey, figures: Figures, length: Length
) -> None:
    seconds = length.pick(short=1.0, ci=4.0, full=60.0)
    with serving(artifacts, filled, variant) as server:
        load = Load(server, min(seconds, 5.0))
        loads = length.pick(short=(1.0,), ci=LOADS, full=LOADS)
        sweep = [good_per_second(load.offer((times, min(seconds, 5.0)))) for times in loads]
        twice, _ = load.costed(2.0, seconds)
        tenfold, cost_s = load.costed(10.0, seconds)

    figures.note("peak of the sweep", max(sweep), "good/s")
    note_overload(figures, twice, 2)
    note_overload(figures, tenfold, 10)
    if variant is not None:  # else answers cost less than they did when they were weighed
        figures.hold("the server's time for a refusal", cost_s * 1e3, at_most=1.0, unit="ms")
    for answers, times, least in ((twice, 2, 0.95), (tenfold, 10, 0.80)):
        share = good_per_second(answers) / max(sweep)
        figures.hold(f"goodput at {times}x", share, at_least=least, unit="of peak")


@pytest.mark.fault("R8", "10x what can be done, and then a calm")
def test_after_it_all_is_as_before_within_a_second(
    artifacts: Path, filled: EmbeddedValkey, figures: Figures, length: Length
) -> None:
    seconds = length.pick(short=1.0, ci=4.0, full=60.0)
    with serving(artifacts, filled, None) as server:
        load = Load(server, 1.0)
        answers = load.offer((CALM, CALM_S), (10.0, seconds), (CALM, CALM_S))

    # In a calm, too, a few requests come together by chance, and get a little less.
    usual = answers.good(DEADLINE_S) & ~answers.reduced
    calm = len(arrivals(CALM * load.capacity, CALM_S, seed=8))
    before, during = usual[:calm], usual[calm:-calm]
    since_s = answers.due_s[-calm:] - answers.due_s[-calm - 1]
    after = usual[-calm:]
    figures.note("answered as usual before", before.mean() * 100, "%")
    figures.note("answered as usual during it", during.mean() * 100, "%")
    figures.note("the first as usual after it", since_s[after].min(), "s")
    share = after[since_s > RECOVERY_S].mean() / before.mean()
    figures.hold("as usual from 1 s after it, of before", share, at_least=0.98)
