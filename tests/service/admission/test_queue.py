"""The queue of one event loop: who begins when, and what is learnt of the time it takes."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest
import uvloop

from service.admission.priority import Priority
from service.admission.queue import MOST_RUNNING, Queue

LIVE, BULK = Priority.LIVE, Priority.BULK
MS = 1_000_000
LONGEST_NS = 20 * MS


class Late(Exception):
    """What who has waited in vain gets."""


class Clock:
    """Goes on when it is told to."""

    def __init__(self) -> None:
        self.now_ns = 0

    def __call__(self) -> int:
        return self.now_ns


class Rig:
    """A queue on the running loop, and a diary of who began, and in which turn of the loop."""

    def __init__(self) -> None:
        self.clock = Clock()
        self.queue = Queue(asyncio.get_running_loop(), LONGEST_NS, Late, self.clock)
        self.diary: list[tuple[int, str]] = []
        self.turn = 0
        self._ticking = True
        asyncio.get_running_loop().call_soon(self._tick)

    def _tick(self) -> None:
        self.turn += 1
        if self._ticking:
            asyncio.get_running_loop().call_soon(self._tick)

    def stop(self) -> None:
        self._ticking = False

    async def do(self, name: str, priority: Priority = LIVE, takes_ns: int = MS) -> None:
        if not self.queue.take():
            await self.queue.wait(priority)
        self.diary.append((self.turn, name))
        self.clock.now_ns += takes_ns

    @property
    def order(self) -> str:
        return "".join(name for _, name in self.diary)


def on_loop(test: Callable[[Rig], Awaitable[None]]) -> None:
    """Run a test by the loop that serves."""

    async def run() -> None:
        rig = Rig()
        try:
            await test(rig)
        finally:
            rig.stop()

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(run())


def test_the_first_of_a_turn_begins_at_once() -> None:
    async def test(rig: Rig) -> None:
        assert rig.queue.take()
        assert not rig.queue.take()

    on_loop(test)


def test_one_begins_in_each_turn_of_the_loop() -> None:
    async def test(rig: Rig) -> None:
        await asyncio.gather(*(rig.do(name) for name in "abcdef"))

        turns = [turn for turn, _ in rig.diary]
        assert rig.order == "abcdef"
        assert len(set(turns)) == len(turns)

    on_loop(test)


def test_when_all_have_begun_the_next_one_begins_at_once_again() -> None:
    async def test(rig: Rig) -> None:
        await asyncio.gather(rig.do("a"), rig.do("b"))
        await asyncio.sleep(0.001)

        assert len(rig.queue) == 0
        assert rig.queue.take()

    on_loop(test)


def test_live_goes_before_bulk() -> None:
    async def test(rig: Rig) -> None:
        asked = [("a", LIVE), ("x", BULK), ("y", BULK), ("b", LIVE), ("c", LIVE)]
        await asyncio.gather(*(rig.do(name, priority) for name, priority in asked))

        assert rig.order == "abcxy"

    on_loop(test)


def test_bulk_that_has_waited_for_the_longest_time_goes_before_live() -> None:
    async def test(rig: Rig) -> None:
        asked = [("a", LIVE), ("x", BULK), ("b", LIVE), ("c", LIVE), ("d", LIVE)]
        await asyncio.gather(
            *(rig.do(name, priority, LONGEST_NS * 2 // 3) for name, priority in asked)
        )

        assert rig.order == "abcxd"

    on_loop(test)


def test_of_many_bulk_ones_that_have_waited_long_one_goes_before_live() -> None:
    async def test(rig: Rig) -> None:
        assert rig.queue.take()
        bulk = [rig.queue.wait(BULK) for _ in range(3)]
        rig.clock.now_ns += 3 * LONGEST_NS
        live = rig.queue.wait(LIVE)
        await live

        assert [one.done() for one in bulk] == [True, False, False]

    on_loop(test)


def test_who_has_waited_for_twice_the_longest_time_gets_no_turn() -> None:
    async def test(rig: Rig) -> None:
        assert rig.queue.take()
        waiting = [rig.queue.wait(LIVE), rig.queue.wait(LIVE)]
        rig.clock.now_ns += 3 * LONGEST_NS
        found = await asyncio.gather(*waiting, return_exceptions=True)

        assert [type(one) for one in found] == [Late, Late]
        assert rig.queue.take(), "and nobody waits"

    on_loop(test)


def test_where_each_takes_longer_than_the_longest_wait_they_still_begin() -> None:
    async def test(rig: Rig) -> None:
        rig.queue.turn_ns = 10.0 * LONGEST_NS
        await asyncio.gather(*(rig.do(name, takes_ns=10 * LONGEST_NS) for name in "ab"))

        assert rig.order == "ab"

    on_loop(test)


def test_who_has_gone_is_passed_over() -> None:
    async def test(rig: Rig) -> None:
        tasks = [asyncio.ensure_future(rig.do(name)) for name in "abc"]
        await asyncio.sleep(0)
        tasks[1].cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

        assert rig.order == "ac"

    on_loop(test)


def test_a_crowd_that_goes_makes_room_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("service.admission.queue.HOLD_S", 60.0)

    async def test(rig: Rig) -> None:
        for _ in range(MOST_RUNNING):
            rig.queue.begin()  # so that nobody is let in meanwhile
        waiting = [rig.queue.wait(LIVE) for _ in range(100)]
        for future in waiting[:-1]:
            future.cancel()
        await asyncio.sleep(0)

        assert rig.queue.ahead(LIVE) == 1

    on_loop(test)


def test_while_so_many_run_nobody_begins_in_the_next_turn(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("service.admission.queue.HOLD_S", 60.0)

    async def test(rig: Rig) -> None:
        assert rig.queue.take()
        waiting = rig.queue.wait(LIVE)
        for _ in range(MOST_RUNNING):
            rig.queue.begin()
        await asyncio.sleep(0)
        await asyncio.sleep(0)

        assert not waiting.done()

    on_loop(test)


def test_the_next_begins_when_one_of_those_that_run_is_done() -> None:
    async def test(rig: Rig) -> None:
        for _ in range(MOST_RUNNING):
            rig.queue.begin()
        assert not rig.queue.take()
        waiting = rig.queue.wait(LIVE)
        await asyncio.sleep(0)
        assert not waiting.done()
        rig.queue.end()
        await waiting

    on_loop(test)


def test_where_none_of_those_that_run_is_done_the_next_begins_after_a_moment() -> None:
    async def test(rig: Rig) -> None:
        for _ in range(MOST_RUNNING):
            rig.queue.begin()
        waiting = [rig.queue.wait(LIVE) for _ in range(3)]

        await asyncio.wait_for(asyncio.gather(*waiting), 30)

    on_loop(test)


def test_those_that_run_make_a_newcomer_wait_longer_but_only_so_many_of_them() -> None:
    async def test(rig: Rig) -> None:
        rig.queue.take()
        rig.queue.wait(LIVE)
        alone_ns = rig.queue.wait_ns(LIVE)
        for _ in range(10 * MOST_RUNNING):
            rig.queue.begin()

        assert rig.queue.wait_ns(LIVE) == (1 + MOST_RUNNING) * alone_ns

    on_loop(test)


def test_it_learns_what_a_turn_takes() -> None:
    async def test(rig: Rig) -> None:
        await asyncio.gather(*(rig.do("a", takes_ns=MS // 10) for _ in range(100)))

        assert rig.queue.turn_ns == pytest.approx(MS // 10, rel=0.01)

    on_loop(test)


def test_one_that_takes_very_long_teaches_little() -> None:
    async def test(rig: Rig) -> None:
        before = rig.queue.turn_ns
        await rig.do("a", takes_ns=1000 * MS)
        await asyncio.sleep(0.001)

        assert before < rig.queue.turn_ns < 1.5 * before

    on_loop(test)


def test_a_fault_on_the_way_leaves_nobody_waiting_for_ever() -> None:
    async def test(rig: Rig) -> None:
        faults: list[object] = []
        loop = asyncio.get_running_loop()
        loop.set_exception_handler(lambda _loop, context: faults.append(context["exception"]))
        assert rig.queue.take()
        waiting = [rig.queue.wait(LIVE) for _ in range(3)]
        rig.queue._clock = failing_once(rig.clock)
        await asyncio.wait_for(asyncio.gather(*waiting), 5)

        assert len(faults) == 1
        assert rig.queue.take(), "and nobody waits"

    on_loop(test)


def failing_once(clock: Clock) -> Callable[[], int]:
    """A clock that fails at its first call."""
    left = [True]

    def read() -> int:
        if left:
            left.clear()
            raise RuntimeError("a fault that nobody foresaw")
        return clock()

    return read
