"""Who waits for a reply: each for as long as it said, and a stuck connection is told of."""

import asyncio
import math
from collections.abc import Awaitable
from time import monotonic

import pytest

from features.errors import StoreUnavailable
from features.pending import Pending
from features.resp import Replies
from tests.features.loops import Loop

ONE = Replies(1)
SOON_S, LATER_S = 0.01, 0.02
CLOCK_S = 0.003  # a clock of milliseconds may run ahead by so much, twice


class Stuck:
    """Counts how often it was told."""

    def __init__(self) -> None:
        self.told = 0

    def __call__(self) -> None:
        self.told += 1


async def reason(answer: Awaitable[object]) -> str:
    with pytest.raises(StoreUnavailable) as caught:
        await answer
    return caught.value.reason


def test_who_is_due_gives_up_and_who_is_not_waits_on(run: Loop) -> None:
    async def main() -> None:
        pending = Pending(math.inf, Stuck())
        forever = pending.add(ONE, math.inf)
        later = pending.add(ONE, LATER_S)
        soon = pending.add(ONE, SOON_S)  # behind the others, and due before them
        assert await reason(soon) == "store_timeout"
        assert await reason(later) == "store_timeout"
        assert not forever.done()

    run(main())


def test_many_with_limits_of_their_own_all_give_up(run: Loop) -> None:
    async def main() -> None:
        pending = Pending(math.inf, Stuck())
        answers = [pending.add(ONE, SOON_S + number / 1e5) for number in range(500)]
        assert {await reason(answer) for answer in answers} == {"store_timeout"}

    run(main())


def test_who_gave_up_keeps_the_place(run: Loop) -> None:
    async def main() -> None:
        pending = Pending(math.inf, Stuck())
        first = pending.add(ONE, SOON_S)
        second = pending.add(ONE, math.inf)
        await reason(first)
        assert len(pending) == 2
        assert pending.next().answer is first
        pending.pop()
        assert pending.next().answer is second

    run(main())


def test_a_limit_counts_from_when_it_was_set_however_busy_the_loop_was(run: Loop) -> None:
    async def main() -> None:
        pending = Pending(math.inf, Stuck())
        end = monotonic() + 2 * LATER_S
        while monotonic() < end:
            pass  # one turn of the loop, in which its own clock may stand still
        began = monotonic()
        assert await reason(pending.add(ONE, LATER_S)) == "store_timeout"
        assert monotonic() - began > LATER_S - CLOCK_S

    run(main())


def test_a_reply_that_lay_there_while_the_loop_was_busy_is_not_too_late(run: Loop) -> None:
    async def main() -> None:
        pending = Pending(math.inf, Stuck())
        loop = asyncio.get_running_loop()
        answer = pending.add(ONE, SOON_S)
        end = monotonic() + 3 * SOON_S
        while monotonic() < end:
            pass
        # The loop now finds both: the limit has passed, and there is something to read.
        loop.call_soon(lambda: loop.call_soon(lambda: answer.set_result([b"PONG"])))
        assert await answer == [b"PONG"]

    run(main())


def test_a_connection_is_stuck_when_the_oldest_has_waited_a_whole_stall(run: Loop) -> None:
    async def main() -> None:
        stuck = Stuck()
        pending = Pending(LATER_S, stuck)
        await reason(pending.add(ONE, SOON_S / 10))
        assert stuck.told == 0  # it was short of time itself
        await reason(pending.add(ONE, LATER_S))
        assert stuck.told == 1

    run(main())


def test_a_connection_that_replies_is_not_stuck_however_many_gave_up(run: Loop) -> None:
    async def main() -> None:
        stuck = Stuck()
        pending = Pending(10 * LATER_S, stuck)
        for _ in range(50):  # longer than that, all together
            await reason(pending.add(ONE, SOON_S / 2))
            pending.pop()  # its reply came late, but came
        assert stuck.told == 0

    run(main())


def test_all_who_wait_are_told_of_the_end(run: Loop) -> None:
    async def main() -> None:
        pending = Pending(math.inf, Stuck())
        answers = [pending.add(ONE, SOON_S), pending.add(ONE, math.inf)]
        gone = pending.add(ONE, math.inf)
        gone.cancel()
        pending.fail("reset")
        assert [await reason(answer) for answer in answers] == ["store_down"] * 2
        assert len(pending) == 0

    run(main())


def test_a_stream_that_is_answered_in_time_sets_one_timer(
    run: Loop, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def main() -> None:
        pending = Pending(math.inf, Stuck())
        timers = 0
        set_timer = pending._set_timer

        def counted(due: float) -> None:
            nonlocal timers
            timers += 1
            set_timer(due)

        monkeypatch.setattr(pending, "_set_timer", counted)
        for _ in range(1000):
            answer = pending.add(ONE, 30)
            pending.pop()
            answer.set_result([])
        assert timers == 1
        pending.fail("")

    run(main())
