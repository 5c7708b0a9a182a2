"""Replicas are restarted in turn, and killed, while an open loop asks through the proxy."""

import signal
import time
from collections import Counter
from contextlib import ExitStack, closing

import pytest

from benchmarks.client import Connection, Reply
from benchmarks.proxy import Proxy
from tests.faults.figures import Figures
from tests.faults.length import Length
from tests.faults.swapping import wishes
from tests.features.shelves import until
from tests.replicas.fleet import Fleet
from tests.replicas.load import OpenLoad, long

RATE = 60.0
"""Requests a second: clients that see every moment, on a machine that has other things to do."""
WITHIN_S = 120.0


def hold(load: OpenLoad, figures: Figures, length: Length) -> None:
    """Hold that none failed; in `make test` a busy machine may make a client ask twice."""
    answers = load.answers
    figures.note("requests", len(answers.status))
    statuses = Counter(answers.status.tolist())
    figures.note("statuses", ", ".join(f"{n} x {status}" for status, n in statuses.items()))
    figures.hold("requests that failed", load.failed, equal=0)
    if length.name != "short":
        figures.hold("requests that a client sent again", load.sent_again, equal=0)
    figures.note("p99 from when it was due", load.p99_ms, "ms")


@pytest.mark.slow
def test_a_rolling_restart_under_open_loop_load_fails_no_request(
    replicas: Fleet, proxy: Proxy, figures: Figures, length: Length
) -> None:
    restarts = length.pick(short=1, ci=3, full=9)
    seconds = length.pick(short=3.0, ci=20.0, full=60.0)
    drained, late = list[float](), 0
    with OpenLoad(proxy.address, RATE, seconds, length.pick(short=5, ci=0, full=0)) as load:
        time.sleep(0.3)
        for number in range(restarts):
            asked = time.monotonic()
            replicas.signal(number % 3, signal.SIGTERM)
            until(lambda number=number: not proxy.up()[number % 3], WITHIN_S)  # type: ignore[misc]  # bound now
            drained.append(time.monotonic() - asked)
            before = proxy.served()[number % 3]
            replicas.stop(number % 3)
            late += proxy.served()[number % 3] - before
            replicas.start(number % 3)
            until(lambda: all(proxy.up()), WITHIN_S)
        overlapped = not load.ended
    figures.note("restarts", restarts)
    figures.note("all while the load went on", str(overlapped))
    figures.hold("out of the proxy once it drains, at most", max(drained), at_most=1.0, unit="s")
    figures.hold("requests that a replica got after that", late, equal=0)
    hold(load, figures, length)


@pytest.mark.slow
def test_a_killed_replica_costs_no_request_and_is_taken_back_when_it_is_ready(
    replicas: Fleet, proxy: Proxy, figures: Figures, length: Length
) -> None:
    if length.name == "short":
        pytest.skip("the test below kills one, too; make replicas does both")
    kills, seconds = (9, 60.0) if length.name == "full" else (3, 20.0)
    gone, back = list[float](), list[float]()
    with OpenLoad(proxy.address, RATE, seconds) as load:
        time.sleep(0.3)
        for number in range(kills):
            killed = time.monotonic()
            replicas.kill(number % 3)
            until(lambda number=number: not proxy.up()[number % 3], WITHIN_S)  # type: ignore[misc]  # bound now
            gone.append(time.monotonic() - killed)
            began = time.monotonic()
            replicas.start(number % 3)
            until(lambda: all(proxy.up()), WITHIN_S)
            back.append(time.monotonic() - began)
    figures.note("kills", kills)
    sent_again = sum(int(row["wretr"]) + int(row["wredis"]) for row in proxy.replicas())
    figures.note("times the proxy asked again, since it began", sent_again)
    figures.hold("out of the proxy after the kill, at most", max(gone), at_most=1.0, unit="s")
    figures.note("back in the proxy after its start, at most", max(back), "s")
    hold(load, figures, length)


@pytest.mark.slow
def test_requests_that_die_with_their_replica_are_asked_again_elsewhere(
    replicas: Fleet, proxy: Proxy
) -> None:
    with ExitStack() as stack:
        lines = [stack.enter_context(closing(Connection(proxy.address))) for _ in range(18)]
        before = proxy.served()
        # All stand still while they are asked: one that answers at once would be asked the most.
        for number in range(3):
            replicas.signal(number, signal.SIGSTOP)
        for number, line in enumerate(lines):
            line.send(long() if number % 2 else wishes()[0])
        until(lambda: sum(proxy.served()) - sum(before) == len(lines))
        held = proxy.served()[2] - before[2]
        replicas.kill(2)
        for number in range(2):
            replicas.signal(number, signal.SIGCONT)
        assert held >= 4, "of both lengths"
        statuses = [answer_of(line).status for line in lines]
    replicas.start(2)
    until(lambda: all(proxy.up()), WITHIN_S)
    assert statuses == [200] * len(lines)


def answer_of(line: Connection) -> Reply:
    while not (reply := line.receive()):
        pass
    return reply
