"""Functions of the user's own are struck when their time is over, and nobody else ever is."""

import contextlib
import threading
import time
from collections.abc import Iterator
from math import inf
from time import perf_counter_ns

import pytest

from service import watchdog as module
from service.watchdog import Late, Watchdog
from tests.service.test_crew import until


@pytest.fixture
def watchdog() -> Iterator[Watchdog]:
    watchdog = Watchdog()
    yield watchdog
    watchdog.close()


def in_ms(after_ms: float) -> float:
    return perf_counter_ns() + after_ms * 1e6


def spin(for_s: float) -> str:
    stop = time.perf_counter() + for_s
    while time.perf_counter() < stop:
        pass
    return "done"


def swallow(for_s: float) -> str:
    """Be struck, and take no notice."""
    try:
        spin(for_s)
    except BaseException:  # noqa: BLE001  what a careless author may write
        return "caught"
    return "done"


def test_what_is_in_time_returns_as_without(watchdog: Watchdog) -> None:
    assert watchdog.call(divmod, in_ms(5000), 7, 2) == (3, 1)
    with pytest.raises(ZeroDivisionError):
        watchdog.call(divmod, in_ms(5000), 7, 0)


def test_a_loop_is_ended_when_its_time_is_over(watchdog: Watchdog) -> None:
    began = time.perf_counter()
    with pytest.raises(Late):
        watchdog.call(spin, in_ms(20), 10)
    assert 0.02 <= time.perf_counter() - began < 5
    assert spin(0.05) == "done"  # nothing falls afterwards


def test_a_function_that_catches_the_blow_is_let_off_and_nothing_falls_afterwards(
    watchdog: Watchdog,
) -> None:
    assert watchdog.call(swallow, in_ms(10), 10) == "caught"
    assert spin(0.05) == "done"


def test_calls_that_end_as_they_are_struck_never_let_a_blow_through(watchdog: Watchdog) -> None:
    faults, counts = list[BaseException](), {"late": 0, "done": 0}

    def race() -> None:
        try:
            for _ in range(150):
                try:
                    watchdog.call(spin, in_ms(1.5), 0.003)
                    counts["done"] += 1
                except Late:
                    counts["late"] += 1
                spin(0.0005)  # where a blow would fall that came too late
        except BaseException as fault:  # noqa: BLE001  told to the test's own thread
            faults.append(fault)

    threads = [threading.Thread(target=race) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert faults == []
    assert counts["late"]
    assert counts["done"]


def test_calls_that_follow_each_other_as_it_looks_are_not_mistaken_for_each_other(
    watchdog: Watchdog, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The watchdog decides on a call that is over by then, and another one has begun."""
    monkeypatch.setattr(module, "LOOK_S", 0.0)  # it looks all the time
    ended = threading.Event()

    def calls() -> None:
        while not ended.is_set():
            with contextlib.suppress(Late):
                watchdog.call(spin, in_ms(0.05), 0.00005)

    threads = [threading.Thread(target=calls, daemon=True) for _ in range(4)]
    for thread in threads:
        thread.start()
    time.sleep(2)
    ended.set()
    for thread in threads:
        thread.join(20)
    assert not any(thread.is_alive() for thread in threads)


def test_one_that_does_not_feel_it_is_a_suspect_and_the_log_says_where_it_is(
    watchdog: Watchdog, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(module, "GRACE_NS", 20_000_000)

    def sleepy() -> None:
        time.sleep(0.3)

    assert not watchdog.suspects(sleepy)
    with pytest.raises(Late):
        watchdog.call(sleepy, in_ms(5))
    assert watchdog.suspects(sleepy)
    assert not watchdog.suspects(spin)
    assert "time.sleep(0.3)" in caplog.text
    assert spin(0.02) == "done"
    monkeypatch.setattr(module, "SUSPECT_FOR_NS", 10_000_000)
    with pytest.raises(Late):
        watchdog.call(sleepy, in_ms(5))
    until(lambda: not watchdog.suspects(sleepy))  # in doubt it may try again


def test_one_that_feels_it_much_later_is_a_suspect_as_soon_as_it_is_back(
    watchdog: Watchdog,
) -> None:
    def sleepy() -> None:
        time.sleep(0.1)  # not so long that the watchdog would give it up

    with pytest.raises(Late):
        watchdog.call(sleepy, in_ms(5))
    assert watchdog.suspects(sleepy)


def test_without_a_deadline_a_call_has_the_longest_there_is(
    watchdog: Watchdog, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "LONGEST_NS", 10_000_000)
    with pytest.raises(Late):
        watchdog.call(spin, inf, 10)


def test_it_sleeps_while_nobody_calls_and_wakes_for_whoever_does(
    watchdog: Watchdog, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "REST_AFTER", 2)
    for _ in range(5):
        until(lambda: not watchdog._awake)
        with pytest.raises(Late):
            watchdog.call(spin, in_ms(5), 10)
