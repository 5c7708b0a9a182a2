"""The crew: every row exactly once, the serial answer bit for bit, and no waiting for helpers."""

import gc
import random
import threading
import time
import weakref
from collections.abc import Callable, Iterator
from contextvars import ContextVar

import numpy as np
import pytest

from service.crew import Caller, Crew, Party, Work, absent
from service.crew import crew as module
from service.crew.job import Job

WAIT_S = 20.0  # what is awaited comes at once; a test that waits this long has failed
DEAR = 1e9  # a cost per row at which anything is worth splitting


@pytest.fixture(params=[1, 3])
def crew(request: pytest.FixtureRequest) -> Iterator[Crew]:
    yield from crew_of(request.param)


@pytest.fixture
def pair() -> Iterator[Crew]:
    """A requester and one helper."""
    yield from crew_of(1)


def crew_of(size: int) -> Iterator[Crew]:
    crew = Crew(size)
    crew.handover_ns = 1000.0
    idle(crew, size)
    yield crew
    crew.close()


def share(crew: Crew, work: Work[object], rows: int, cost_ns_per_row: float) -> int:
    """Share as a request does that has nothing else to prepare; tell over how many threads."""
    with Caller(crew).party() as party:
        return took(party, work, rows, cost_ns_per_row)


def took(party: Party, work: Work[object], rows: int, cost_ns_per_row: float) -> int:
    """Share, and tell over how many threads."""
    party.share(work, rows, cost_ns_per_row)
    return party.took


def idle(crew: Crew, count: int) -> None:
    """Wait until so many helpers have nothing to do."""
    until(lambda: len(crew.idle) == count)


def until(holds: Callable[[], bool]) -> None:
    for _ in range(int(WAIT_S / 0.001)):
        if holds():
            return
        threading.Event().wait(0.001)
    raise AssertionError("it never came")


class Fault(Exception):
    pass


class Meeting:
    """Two threads wait for each other, once; who comes again, as to a share done twice, goes on."""

    def __init__(self) -> None:
        self._over = threading.Event()
        self._barrier = threading.Barrier(2, self._over.set)

    def wait(self, timeout_s: float) -> None:
        if not self._over.is_set():
            self._barrier.wait(timeout_s)


def counting(done: np.ndarray, then: Work[object] = lambda _low, _high: None) -> Work[object]:
    """Return work that counts how often each row was done."""

    def work(low: int, high: int) -> None:
        done[low:high] += 1
        then(low, high)

    return work


def polynomial(x: np.ndarray, out: np.ndarray) -> Work[object]:
    """Return work whose result shows in its bits what was done to each row."""

    def work(low: int, high: int) -> None:
        out[low:high] = np.sqrt(x[low:high]) * x[low:high] - x[low:high] / 3

    return work


def test_ten_thousand_shares_of_any_size_give_the_serial_bits(crew: Crew) -> None:
    rng = np.random.default_rng(11)
    x = rng.random(3000, dtype=np.float32)
    serial = np.empty_like(x)
    polynomial(x, serial)(0, len(x))
    for _ in range(5000):  # for each of the two crews
        rows = int(rng.integers(0, len(x))) >> int(rng.integers(0, 12))
        done = np.zeros(rows, np.int64)
        out = np.empty(rows, np.float32)
        cost_ns = float(rng.choice([0.0, 0.1, 5.0, 100.0, DEAR]))
        share(crew, counting(done, polynomial(x, out)), rows, cost_ns)
        assert done.all()
        assert out.tobytes() == serial[:rows].tobytes()


def test_one_request_over_several_cores_gives_the_serial_bits(pair: Crew) -> None:
    rng = np.random.default_rng(12)
    for _ in range(100):
        x = rng.random(int(rng.integers(4, 2000)), dtype=np.float32)
        out, serial = np.empty_like(x), np.empty_like(x)
        polynomial(x, serial)(0, len(x))
        score = polynomial(x, out)
        both, arrived = Meeting(), set[int]()

        def work(
            low: int,
            high: int,
            score: Work[object] = score,
            both: Meeting = both,
            arrived: set[int] = arrived,
        ) -> None:
            if threading.get_ident() not in arrived:  # each waits in its first share
                arrived.add(threading.get_ident())
                both.wait(WAIT_S)
            score(low, high)

        idle(pair, 1)
        assert share(pair, work, len(x), DEAR) == 2
        assert out.tobytes() == serial.tobytes()


def test_many_requesters_at_once_each_get_their_own_work_done(crew: Crew) -> None:
    requesters, rounds, rows = 4, 200, 64
    start = threading.Barrier(requesters)
    faults: list[BaseException] = []

    def ask(number: int) -> None:
        rng = np.random.default_rng(number)
        try:
            for _ in range(rounds):
                x = rng.random(rows, dtype=np.float32)
                out, serial = np.empty_like(x), np.empty_like(x)
                polynomial(x, serial)(0, rows)
                start.wait(WAIT_S)
                share(crew, polynomial(x, out), rows, DEAR)
                assert out.tobytes() == serial.tobytes()
        except BaseException as fault:  # noqa: BLE001  told to the test's own thread
            faults.append(fault)
            start.abort()

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(requesters)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert faults == []
    idle(crew, crew.size)


def test_requester_and_helper_work_at_the_same_time(pair: Crew) -> None:
    together = Meeting()
    names = set()

    def work(low: int, _high: int) -> None:
        names.add(threading.current_thread().name)
        if low < 2:  # the first share of each: both must be in theirs for this to pass
            together.wait(WAIT_S)

    assert share(pair, work, 4, DEAR) == 2
    assert names == {threading.current_thread().name, "braid-crew-0"}


def test_work_below_a_hand_over_is_done_in_one_call_by_the_requester(crew: Crew) -> None:
    calls: list[tuple[int, int, threading.Thread]] = []
    for rows, cost_ns in ((0, DEAR), (1, DEAR), (900, 1.0), (3, 300.0), (10_000, 0.0)):
        calls.clear()
        took = share(
            crew,
            lambda low, high: calls.append((low, high, threading.current_thread())),
            rows,
            cost_ns,
        )
        assert took == 1
        assert calls == [(0, rows, threading.current_thread())]


def test_the_parts_differ_by_one_row_at_most(pair: Crew) -> None:
    for rows in (2, 3, 5, 64, 1001):
        calls: list[tuple[int, int]] = []
        share(pair, lambda *part, calls=calls: calls.append(part), rows, DEAR)
        parts = [high - low for low, high in calls]
        assert sum(parts) == rows
        assert max(parts) - min(parts) <= 1


def test_a_requester_never_waits_for_a_busy_helper(pair: Crew) -> None:
    entered, leave = threading.Event(), threading.Event()
    both = Meeting()
    helper = "braid-crew-0"

    def hold(low: int, _high: int) -> None:
        if low < 2:
            both.wait(WAIT_S)
        if threading.current_thread().name == helper:
            entered.set()
            leave.wait(WAIT_S)

    first = threading.Thread(target=share, args=(pair, hold, 4, DEAR))
    first.start()
    assert entered.wait(WAIT_S)
    try:
        done = np.zeros(100, np.int64)
        assert share(pair, counting(done), 100, DEAR) == 1  # while the helper is held
        assert done.all()
        assert first.is_alive()
    finally:
        leave.set()
        first.join()


@pytest.mark.parametrize("raiser", ["helper", "requester"])
def test_what_work_raises_reaches_the_requester_and_the_crew_goes_on(
    pair: Crew, raiser: str
) -> None:
    requester = threading.current_thread()
    for _ in range(50):
        both, takers = Meeting(), dict[int, str]()

        def work(
            low: int, _high: int, both: Meeting = both, takers: dict[int, str] = takers
        ) -> None:
            # Kept: a share that is late is done again by the requester, and fails as it did.
            mine = "requester" if threading.current_thread() is requester else "helper"
            taker = takers.setdefault(low, mine)
            if low < 2:  # of four shares, the first for each thread
                both.wait(WAIT_S)
            if taker == raiser:
                raise Fault(taker)

        with pytest.raises(Fault, match=raiser):
            share(pair, work, 4, DEAR)
        idle(pair, 1)
        done = np.zeros(10, np.int64)
        share(pair, counting(done), 10, DEAR)
        assert done.all()
        idle(pair, 1)


def test_shares_not_yet_begun_are_left_undone_once_one_has_failed() -> None:
    begun: list[int] = []

    def work(low: int, _high: int) -> None:
        begun.append(low)
        if low == 1:
            raise Fault

    job = Job(work, [(0, 1), (1, 2), (2, 3), (3, 4)])
    assert job.take_shares() == 4
    assert begun == [0, 1]
    with pytest.raises(Fault):
        job.settle(DEAR, DEAR)


def test_work_that_raises_without_help_reaches_the_requester_too(crew: Crew) -> None:
    def work(_low: int, _high: int) -> None:
        raise Fault

    with pytest.raises(Fault):
        share(crew, work, 5, 0.0)


def test_a_failed_request_does_not_touch_the_requests_beside_it(crew: Crew) -> None:
    rounds = 200
    start = threading.Barrier(2)
    raised = []

    def fail(low: int, _high: int) -> None:
        if low == 0:
            raise Fault

    def failing() -> None:
        for _ in range(rounds):
            start.wait(WAIT_S)
            try:
                share(crew, fail, 16, DEAR)
            except Fault:
                raised.append(True)

    other = threading.Thread(target=failing)
    other.start()
    for _ in range(rounds):
        done = np.zeros(16, np.int64)
        start.wait(WAIT_S)
        share(crew, counting(done), 16, DEAR)
        assert done.all()
    other.join()
    assert len(raised) == rounds


def test_helpers_are_awake_and_taken_from_the_call_to_the_end_of_the_party(pair: Crew) -> None:
    with Caller(pair).party() as party:
        assert len(pair.idle) == 1
        party.rouse(DEAR)
        assert len(pair.idle) == 0
        for _ in range(3):  # one party, several pieces of work
            both = Meeting()
            assert took(party, lambda *_, both=both: both.wait(WAIT_S), 2, DEAR) == 2
    idle(pair, 1)


def fail_after(party: Party) -> None:
    party.rouse(DEAR)
    raise Fault


def test_a_request_that_fails_before_it_shares_lets_its_helpers_go(pair: Crew) -> None:
    for _ in range(100):
        party = Caller(pair).party()
        with pytest.raises(Fault), party:
            fail_after(party)
        idle(pair, 1)


def test_nobody_is_woken_for_work_below_a_hand_over(pair: Crew) -> None:
    with Caller(pair).party() as party:
        party.rouse(pair.handover_ns)
        assert len(pair.idle) == 1


def test_adaptive_no_helper_is_woken_while_every_core_has_an_event_loop_at_work(pair: Crew) -> None:
    mine, others = pair.caller(), pair.caller()
    done = np.zeros(10, np.int64)
    with others.party(), mine.party() as party:
        party.rouse(DEAR)
        assert len(pair.idle) == 1
        assert took(party, counting(done), 10, DEAR) == 1
    with mine.party() as first, mine.party():  # two requests, one thread
        first.rouse(DEAR)
        assert len(pair.idle) == 0
    assert done.all()


def test_a_helper_leaves_when_another_event_loop_gets_to_work(pair: Crew) -> None:
    mine, others = pair.caller(), pair.caller()
    both, elsewhere = Meeting(), others.party()
    by: dict[int, str] = {}

    def work(low: int, _high: int) -> None:
        by[low] = threading.current_thread().name
        if low >= 2:
            return
        both.wait(WAIT_S)  # each in its first share
        if by[low] == "braid-crew-0":
            elsewhere.__enter__()
        else:
            until(pair.crowded)
            threading.Event().wait(0.1)  # time enough for the helper to take what it should not

    with mine.party() as party:
        assert took(party, work, 4, DEAR) == 2
    elsewhere.__exit__(None, None, None)
    assert [name for low, name in by.items() if low >= 2] == [threading.current_thread().name] * 2


def test_a_helper_that_is_not_wanted_any_more_takes_no_share(pair: Crew) -> None:
    mine, others = pair.caller(), pair.caller()
    done = np.zeros(10, np.int64)
    with mine.party() as party:
        party.rouse(DEAR)
        with others.party():
            assert pair.crowded()
            assert took(party, counting(done), 10, DEAR) == 1
    assert done.all()
    assert not pair.crowded()


def test_work_may_itself_ask_for_help(crew: Crew) -> None:
    done = np.zeros((8, 8), np.int64)

    def outer(low: int, high: int) -> None:
        for row in range(low, high):

            def inner(left: int, right: int, row: int = row) -> None:
                done[row, left:right] += 1

            share(crew, inner, 8, DEAR)

    for _ in range(100):
        done[:] = 0
        share(crew, outer, 8, DEAR)
        assert done.all()


def test_without_helpers_everything_is_done_by_the_requester() -> None:
    crew = Crew(0)
    assert (crew.size, crew.calibrate()) == (0, 0.0)
    calls: list[tuple[int, int]] = []
    assert share(crew, lambda low, high: calls.append((low, high)), 100, DEAR) == 1
    assert calls == [(0, 100)]
    crew.close()


def test_before_calibration_nothing_is_split() -> None:
    crew = Crew(1)
    idle(crew, 1)
    calls: list[tuple[int, int]] = []
    assert share(crew, lambda low, high: calls.append((low, high)), 100, DEAR) == 1
    assert calls == [(0, 100)]
    crew.close()


def test_calibration_straight_after_the_start_always_measures(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "CALIBRATION_ROUNDS", 1)
    monkeypatch.setattr(module, "CALIBRATION_PAUSE_S", 0)
    for _ in range(100):
        crew = Crew(1)
        assert crew.calibrate() > 0
        assert crew.handover_ns > 0
        crew.close()


def test_closing_ends_every_thread_and_may_be_repeated() -> None:
    before = threading.active_count()
    crew = Crew(5)
    assert threading.active_count() == before + 5
    crew.handover_ns = 1.0
    share(crew, lambda _low, _high: None, 100, DEAR)
    crew.close()
    assert threading.active_count() == before
    crew.close()
    assert share(crew, lambda _low, _high: None, 100, DEAR) == 1


def test_closing_lets_helpers_finish_what_they_began(pair: Crew) -> None:
    both, leave = Meeting(), threading.Event()
    finished = []

    def work(low: int, _high: int) -> None:
        if low < 2:
            both.wait(WAIT_S)
            leave.wait(WAIT_S)
        finished.append(low)

    asking = threading.Thread(target=share, args=(pair, work, 4, DEAR))
    asking.start()
    until(lambda: len(pair.idle) == 0)
    closing = threading.Thread(target=pair.close)
    closing.start()
    leave.set()
    asking.join()
    closing.join()
    assert set(finished) == {0, 1, 2, 3}


def test_an_idle_helper_keeps_nothing_of_the_last_request_alive(pair: Crew) -> None:
    class Arrays:
        pass

    def ask() -> weakref.ref[Arrays]:
        arrays, both = Arrays(), Meeting()

        def work(low: int, _high: int) -> None:
            assert arrays is not None
            if low < 2:
                both.wait(WAIT_S)

        share(pair, work, 4, DEAR)
        return weakref.ref(arrays)

    kept = ask()
    idle(pair, 1)

    def gone() -> bool:
        gc.collect()
        return kept() is None

    until(gone)


def test_helpers_do_not_live_in_the_context_of_a_request(pair: Crew) -> None:
    asker = ContextVar("asker", default="nobody")
    asker.set("the first request")
    seen = {}
    both = Meeting()

    def work(low: int, _high: int) -> None:
        if low < 2:
            both.wait(WAIT_S)
        seen[threading.current_thread().name] = asker.get()

    share(pair, work, 4, DEAR)
    assert seen["braid-crew-0"] == "nobody"


def test_a_crew_that_has_just_started_or_is_about_to_go_loses_no_row() -> None:
    rng = random.Random(3)
    for _ in range(50):
        crew = Crew(rng.randrange(4))
        crew.handover_ns = 1.0
        for _ in range(10):
            rows = rng.randrange(40)
            done = np.zeros(rows, np.int64)
            share(crew, counting(done), rows, DEAR)
            assert done.all()
        crew.close()


def hold_the_helper(
    low: int, both: Meeting, entered: threading.Event, leave: threading.Event
) -> None:
    """Meet in the first two shares, and have the helper stay in its."""
    if low < 2:
        both.wait(WAIT_S)
    if threading.current_thread().name.startswith("braid-crew"):
        entered.set()
        leave.wait(WAIT_S)


@pytest.mark.parametrize("_", range(20))
def test_the_share_of_a_helper_that_stands_still_is_done_again(pair: Crew, _: int) -> None:
    both, entered, leave = Meeting(), threading.Event(), threading.Event()
    done: list[int] = []

    def work(low: int, high: int) -> range:
        hold_the_helper(low, both, entered, leave)
        done.append(low)
        return range(low, high)

    with pair.caller().party() as party:
        parts = party.share(work, 4, DEAR)
        assert [row for part in parts for row in part] == [*range(4)]
        assert entered.is_set()  # it stood in the middle of a share, and nobody waited for it
        before = [*parts]
        leave.set()
    idle(pair, 1)
    assert parts == before  # what it did in the end is nowhere to be seen
    assert len(done) == 5


def test_what_a_late_helper_raises_is_nobodys_fault(pair: Crew) -> None:
    both, entered, leave = Meeting(), threading.Event(), threading.Event()

    def work(low: int, high: int) -> int:
        hold_the_helper(low, both, entered, leave)
        if leave.is_set():
            raise Fault
        return high - low

    with pair.caller().party() as party:
        assert sum(party.share(work, 4, DEAR)) == 4
        leave.set()
    idle(pair, 1)
    assert share(pair, lambda *_: None, 4, DEAR) in (1, 2)


def test_at_the_end_of_the_time_a_helper_is_left_behind_without_its_shares(pair: Crew) -> None:
    both, entered, leave = Meeting(), threading.Event(), threading.Event()

    def work(low: int, high: int) -> tuple[int, int]:
        hold_the_helper(low, both, entered, leave)
        until(lambda: time.perf_counter_ns() > stop_ns)
        return low, high

    with pair.caller().party() as party:
        stop_ns = time.perf_counter_ns() + 20e6
        parts = party.share(work, 4, DEAR, stop_ns)
        assert len(parts) == 3
        assert parts == sorted(parts)
        assert entered.is_set()
        leave.set()
    idle(pair, 1)


def test_many_rounds_with_helpers_that_stop_at_random_lose_no_row(crew: Crew) -> None:
    rng = random.Random(7)
    for _ in range(300):
        stand = [rng.random() < 0.3 for _ in range(64)]

        def work(low: int, high: int, stand: list[bool] = stand) -> range:
            if stand[low] and threading.current_thread().name.startswith("braid-crew"):
                time.sleep(0.003)
            return range(low, high)

        with crew.caller().party() as party:
            parts = party.share(work, 64, DEAR)
        assert [row for part in parts for row in part] == [*range(64)]


def test_a_helper_that_never_comes_back_is_replaced_and_ends_when_it_does(
    pair: Crew, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(absent, "WRITE_OFF_NS", 10_000_000)
    both, entered, leave = Meeting(), threading.Event(), threading.Event()
    share(pair, lambda low, _high: hold_the_helper(low, both, entered, leave), 4, DEAR)
    lost = pair._helpers[0]  # other crews of this process have helpers of the same names
    assert len(pair.idle) == 0
    time.sleep(0.02)
    share(pair, lambda *_: None, 4, DEAR)  # whoever asks next sees to it
    idle(pair, 1)
    meeting = Meeting()
    assert share(pair, lambda low, _: meeting.wait(WAIT_S) if low < 2 else None, 4, DEAR) == 2
    leave.set()
    lost.join(WAIT_S)
    assert not lost.is_alive()
    idle(pair, 1)
    assert [one.name for one in pair.idle] == ["braid-crew-1"]


def test_closing_does_not_wait_for_a_helper_that_hangs(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "CLOSE_S", 0.05)
    crew = Crew(1)
    crew.handover_ns = 1000.0
    idle(crew, 1)
    both, entered, leave = Meeting(), threading.Event(), threading.Event()
    share(crew, lambda low, _high: hold_the_helper(low, both, entered, leave), 4, DEAR)
    crew.close()
    assert entered.is_set()
    leave.set()
