"""Who is let in, who is told to come back, and how much is done for those who are in."""

import asyncio
from collections.abc import Callable

import pytest
import uvloop

from service.admission.admission import COME_BACK_S, STANDING_NS, Admission
from service.admission.metrics import admission_metrics
from service.admission.priority import Priority
from service.effort import Effort
from service.http.problems import Overloaded

LIVE, BULK = Priority.LIVE, Priority.BULK
MS = 1_000_000
WAIT_MS = 20.0


class Clock:
    """Goes on when it is told to."""

    def __init__(self) -> None:
        self.now_ns = 0

    def __call__(self) -> int:
        return self.now_ns


class Rig:
    """A room in which a turn takes a millisecond, on a loop that is not given a turn."""

    def __init__(self) -> None:
        self.clock = Clock()
        self.room = Admission(WAIT_MS, self.clock)
        self.room.queue.turn_ns = float(MS)

    def let_wait(self, count: int, priority: Priority = LIVE) -> None:
        """Have so many wait behind one that has begun."""
        self.room.queue.take()
        for _ in range(count):
            assert self.room.turn(priority) is not None


def on_loop(test: Callable[[Rig], None]) -> None:
    async def run() -> None:
        test(Rig())

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(run())


def test_as_many_may_wait_as_are_answered_within_the_longest_wait() -> None:
    def test(rig: Rig) -> None:
        rig.let_wait(20)
        rig.room.enter(LIVE)
        rig.let_wait(1)

        with pytest.raises(Overloaded):
            rig.room.enter(LIVE)
        assert rig.room.limit == 20

    on_loop(test)


def test_fewer_may_wait_when_each_takes_longer() -> None:
    def test(rig: Rig) -> None:
        rig.room.queue.turn_ns = 4.0 * MS
        rig.let_wait(6)

        with pytest.raises(Overloaded):
            rig.room.enter(LIVE)
        assert rig.room.limit == 5

    on_loop(test)


def test_one_may_always_wait() -> None:
    def test(rig: Rig) -> None:
        rig.room.queue.turn_ns = 1000.0 * MS

        rig.let_wait(0)
        rig.room.enter(LIVE)
        rig.room.enter(BULK)

    on_loop(test)


def test_bulk_is_refused_while_live_is_let_in() -> None:
    def test(rig: Rig) -> None:
        rig.let_wait(6)

        rig.room.enter(LIVE)
        with pytest.raises(Overloaded):
            rig.room.enter(BULK)

    on_loop(test)


def test_bulk_that_waits_keeps_no_live_one_out() -> None:
    def test(rig: Rig) -> None:
        rig.let_wait(100, BULK)

        rig.room.enter(LIVE)

    on_loop(test)


def test_those_refused_together_are_told_to_come_back_at_several_times() -> None:
    def test(rig: Rig) -> None:
        rig.let_wait(50)
        told = []
        for _ in range(30):
            with pytest.raises(Overloaded) as refused:
                rig.room.enter(LIVE)
            told.append(int(refused.value.headers["retry-after"]))

        assert all(told.count(after_s) == 10 for after_s in COME_BACK_S)
        assert refused.value.status == 503

    on_loop(test)


@pytest.mark.parametrize(
    ("waiting", "standing", "effort"),
    [
        (0, True, Effort.FULL),
        (5, True, Effort.FULL),
        (6, False, Effort.FULL),
        (6, True, Effort.FEWER),
        (10, False, Effort.FULL),
        (10, True, Effort.FEWER),
        (11, False, Effort.LIGHT),
        (11, True, Effort.LIGHT),
    ],
)
def test_less_is_done_the_longer_the_queue_and_a_burst_is_forgiven(
    waiting: int, *, standing: bool, effort: Effort
) -> None:
    def test(rig: Rig) -> None:
        rig.let_wait(waiting)
        rig.clock.now_ns += STANDING_NS * (2 if standing else 1)

        assert rig.room.effort() is effort

    on_loop(test)


def test_less_is_done_before_anybody_is_refused() -> None:
    def test(rig: Rig) -> None:
        rig.let_wait(20)

        assert rig.room.effort() is Effort.LIGHT
        rig.room.enter(LIVE)

    on_loop(test)


def test_when_the_queue_is_empty_everything_is_done_again_at_once() -> None:
    async def run() -> None:
        rig = Rig()
        rig.let_wait(15)
        rig.clock.now_ns += 2 * STANDING_NS
        before = rig.room.effort()
        while len(rig.room.queue):
            rig.clock.now_ns += MS
            await asyncio.sleep(0)

        assert (before, rig.room.effort()) == (Effort.LIGHT, Effort.FULL)
        rig.room.enter(LIVE)

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(run())


def test_what_is_refused_late_is_counted_apart() -> None:
    async def run() -> None:
        rig = Rig()
        rig.let_wait(0)
        waiting = rig.room.turn(LIVE)
        assert waiting is not None
        rig.clock.now_ns += round(3 * WAIT_MS * MS)

        with pytest.raises(Overloaded):
            await waiting
        assert rig.room.refused == {(LIVE, "late"): 1}

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(run())


def test_the_metrics_are_of_all_rooms() -> None:
    def test(rig: Rig) -> None:
        other = Admission(WAIT_MS, rig.clock)
        rig.room.enter(LIVE)
        other.enter(LIVE)
        other.enter(BULK)
        rig.let_wait(21)
        with pytest.raises(Overloaded):
            rig.room.enter(LIVE)
        rig.room.effort()

        found = {
            (sample.name, *sample.labels.values()): sample.value
            for family in admission_metrics([rig.room, other])
            for sample in family.samples
        }
        assert found["braid_admitted_total", "live"] == 2
        assert found["braid_admitted_total", "bulk"] == 1
        assert found["braid_refused_total", "live", "full"] == 1
        assert found["braid_effort_total", "light"] == 1
        assert found["braid_admission_limit",] == 20 + other.limit
        assert found["braid_waiting_requests",] == 21

    on_loop(test)
