"""Several event loops over one crew: every row once, every fault to whoever asked, nobody hangs."""

import threading
from collections.abc import Callable, Iterator

import numpy as np
import pytest

from service.crew import Caller, Crew
from tests.races.together import against, together

CALLERS, JOBS, ROWS, COMING = 3, 700, 700, 500
DEAR = 1e9  # a cost per row at which anything is worth splitting


@pytest.fixture(params=[1, 3])
def crew(request: pytest.FixtureRequest) -> Iterator[Crew]:
    crew = Crew(request.param)
    crew.handover_ns = 1000.0
    yield crew
    crew.close()


class Fault(Exception):
    """What one caller's work raises: the caller's number and the job's."""


def asking(caller: Caller, number: int) -> Callable[[], None]:
    """Ask the crew as one event loop does, one request after the other; every seventh fails."""

    def ask() -> None:
        rng = np.random.default_rng(number)
        for turn in range(JOBS):
            rows = int(rng.integers(1, ROWS))
            done: np.ndarray = np.zeros(rows, np.int64)

            def work(low: int, high: int, done: np.ndarray = done, turn: int = turn) -> int:
                if turn % 7 == 0 and low == 0:
                    raise Fault(number, turn)
                done[low:high] += 1
                return high - low

            with caller.party() as party:
                if turn % 2:
                    party.rouse(DEAR)
                if turn % 7 == 0:
                    with pytest.raises(Fault) as raised:
                        party.share(work, rows, DEAR)
                    assert raised.value.args == (number, turn), "another's fault"
                    continue
                parts = party.share(work, rows, DEAR)
            # A share that is late may be done twice, by two threads, but counts once.
            assert (done >= 1).all()
            assert sum(parts) == rows

    return ask


def test_many_callers_at_once_get_each_row_and_their_own_faults(crew: Crew) -> None:
    callers = [crew.caller() for _ in range(CALLERS)]
    lent = list[str]()

    def lend() -> None:
        crew.lend(lambda: lent.append(threading.current_thread().name))

    against([asking(caller, number) for number, caller in enumerate(callers)], lend)
    until_idle(crew)
    assert all(name.startswith("braid-crew-") for name in lent)


def test_every_helper_is_idle_once_in_the_end(crew: Crew) -> None:
    together(*(asking(crew.caller(), number) for number in range(CALLERS)))
    until_idle(crew)
    assert len(set(crew.idle)) == len(crew.idle) == crew.size


def test_every_caller_that_comes_at_once_counts_as_at_work() -> None:
    """As when all event loops start: one that is overlooked lends its core away while it works."""
    crew, callers = Crew(0), list[Caller]()

    def come() -> None:
        for _ in range(COMING):
            callers.append(crew.caller())

    together(come, come, come)
    for caller in callers:
        caller.party().__enter__()
    assert crew._spare() == 1 - 3 * COMING


def until_idle(crew: Crew) -> None:
    for _ in range(20_000):
        if len(crew.idle) == crew.size:
            return
        threading.Event().wait(0.001)
    raise AssertionError("a helper never came back")
