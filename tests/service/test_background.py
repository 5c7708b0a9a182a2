"""What happens beside the requests does not stand in their way."""

import gc
import os
import sys
import threading

import pytest

from service.models.background import NICENESS, in_background


@pytest.mark.skipif(sys.platform != "linux", reason="threads have no niceness of their own here")
def test_it_stands_back_behind_others_and_whoever_waits_does_not() -> None:
    def niceness() -> int:
        return os.getpriority(os.PRIO_PROCESS, threading.get_native_id())

    before = niceness()
    assert in_background(niceness) == NICENESS > before
    assert niceness() == before


def test_no_collection_stops_the_world_for_a_thread_that_is_hardly_scheduled() -> None:
    assert in_background(gc.isenabled) is False
    assert gc.isenabled()


def test_its_thread_ends_with_it() -> None:
    name = in_background(lambda: threading.current_thread().name)
    assert name not in {thread.name for thread in threading.enumerate()}


def test_what_it_raises_is_raised_and_collections_go_on() -> None:
    with pytest.raises(ZeroDivisionError):
        in_background(lambda: 1 // 0)
    assert gc.isenabled()
