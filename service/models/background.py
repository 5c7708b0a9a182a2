"""Work that takes the processor only while no request wants it."""

import os
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Final

LOWEST_PRIORITY: Final = 19


def in_background[T](work: Callable[[], T]) -> T:
    """Return what work returns, done by a thread of its own that yields to all others.

    A thread cannot take its priority back, so it ends with the work; whoever waits here keeps
    theirs. Where threads have no priority of their own (not Linux) it is an ordinary one.
    """
    with ThreadPoolExecutor(1, "braid-model", _yield_to_all) as threads:
        return threads.submit(work).result()


def _yield_to_all() -> None:
    if sys.platform == "linux":
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), LOWEST_PRIORITY)
