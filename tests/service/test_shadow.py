"""Shadows: compared on idle helpers, dropped when there are none, and never waited for."""

import threading
from collections.abc import Callable, Iterator

import numpy as np
import pytest

from service.crew import Crew
from service.experiments.findings import Findings, Ranked
from service.experiments.shadow import MOST_WAITING, Shadows

WAIT_S = 20.0  # what is awaited comes at once; a test that waits this long has failed


def ranked(*item_ids: str, top: float = 1.0) -> Ranked:
    return Ranked(item_ids, np.linspace(top, 0, len(item_ids), dtype=np.float32))


def until(holds: Callable[[], bool]) -> None:
    for _ in range(int(WAIT_S / 0.001)):
        if holds():
            return
        threading.Event().wait(0.001)
    raise AssertionError("it never came")


def found(shadows: Shadows) -> Findings:
    return shadows.findings()["home"]


@pytest.fixture
def crew() -> Iterator[Crew]:
    crew = Crew(1)
    until(lambda: len(crew.idle) == 1)
    yield crew
    crew.close()


def test_a_candidate_answers_in_another_thread_and_its_slates_are_compared(crew: Crew) -> None:
    shadows = Shadows(crew)
    threads = []

    def again() -> Ranked:
        threads.append(threading.current_thread().name)
        return ranked("a", "b", "d", top=3.0)

    for compared in range(1, 4):
        shadows.offer("home", ranked("a", "b", "c"), again)
        until(lambda compared=compared: found(shadows).compared == compared)  # type: ignore[misc]
        until(lambda: len(crew.idle) == 1)
    assert set(threads) == {"braid-crew-0"}
    told = found(shadows)
    assert told.jaccard == 0.5
    assert told.same_first == 1.0
    assert told.rank_biased_overlap is not None
    assert 0.7 < told.rank_biased_overlap < 1
    assert told.drift is not None
    assert told.drift > 0.25
    assert told.served_scores.p50 == 0.5
    assert told.shadow_scores.p50 == 1.5
    assert told.p50_ms is not None
    assert (told.failed, told.dropped) == (0, 0)


def test_the_same_model_shows_no_difference(crew: Crew) -> None:
    shadows = Shadows(crew)
    slate = ranked("a", "b", "c", "d")
    shadows.offer("home", slate, lambda: slate)
    until(lambda: found(shadows).compared == 1)
    told = found(shadows)
    assert (told.jaccard, told.same_first, told.drift) == (1, 1, 0)
    assert told.rank_biased_overlap == pytest.approx(1)


def test_a_candidate_that_raises_is_told_of_and_the_next_is_compared(crew: Crew) -> None:
    shadows = Shadows(crew)

    def broken() -> Ranked:
        raise ZeroDivisionError("no model")

    shadows.offer("home", ranked("a"), broken)
    until(lambda: found(shadows).failed == 1)
    until(lambda: len(crew.idle) == 1)
    shadows.offer("home", ranked("a"), lambda: ranked("a"))
    until(lambda: found(shadows).compared == 1)
    assert found(shadows).fault == "ZeroDivisionError: no model"


def test_while_requests_have_every_core_nothing_is_compared_and_what_is_too_much_is_dropped(
    crew: Crew,
) -> None:
    shadows = Shadows(crew)
    callers = [crew.caller() for _ in range(2)]
    with callers[0].party(), callers[1].party():  # two threads at work, on two cores
        for _ in range(MOST_WAITING + 5):
            shadows.offer("home", ranked("a"), lambda: ranked("a"))
        assert found(shadows).compared == 0
        assert found(shadows).dropped == 5
        assert len(crew.idle) == 1  # nobody was called
    shadows.offer("home", ranked("a"), lambda: ranked("a"))
    until(lambda: found(shadows).compared == MOST_WAITING)
    assert found(shadows).dropped == 6


def test_a_helper_leaves_between_two_slates_when_the_cores_are_wanted(crew: Crew) -> None:
    shadows = Shadows(crew)
    callers = [crew.caller() for _ in range(2)]
    begun, go_on = threading.Event(), threading.Event()

    def slow() -> Ranked:
        begun.set()
        assert go_on.wait(WAIT_S)
        return ranked("a")

    shadows.offer("home", ranked("a"), slow)
    assert begun.wait(WAIT_S)
    shadows.offer("home", ranked("a"), lambda: ranked("a"))
    with callers[0].party(), callers[1].party():
        go_on.set()
        until(lambda: len(crew.idle) == 1)
        assert found(shadows).compared == 1


def test_without_a_crew_nobody_is_lent() -> None:
    crew = Crew(0)
    shadows = Shadows(crew)
    shadows.offer("home", ranked("a"), lambda: ranked("a"))
    assert found(shadows).compared == 0
    assert found(shadows).jaccard is None
    assert found(shadows).drift is None
    crew.close()
