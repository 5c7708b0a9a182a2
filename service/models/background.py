"""Work that leaves the processor to requests, as long as it gets a little of it."""

import contextlib
import gc
import os
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from threading import get_native_id
from typing import Final

NICENESS: Final = 10
"""About a tenth of a core where requests want all of them. On idle time alone (SCHED_IDLE, 0.3 %) a
tenth of a second's work took 3 to 14 s under load, and a large model's would never have ended."""


def in_background[T](work: Callable[[], T]) -> T:
    """Return what work returns, done by a thread of its own that stands back behind all others.

    Whoever waits here keeps their priority. Where threads have none (not Linux) this one is an
    ordinary one. See docs/decisions/0012-swapping-models.md for what this is worth.
    """
    with _no_collection(), ThreadPoolExecutor(1, "braid-model", _stand_back) as threads:
        return threads.submit(work).result()


def _stand_back() -> None:
    if sys.platform == "linux":
        with contextlib.suppress(OSError):  # a sandbox may forbid it
            os.setpriority(os.PRIO_PROCESS, get_native_id(), NICENESS)


@contextmanager
def _no_collection() -> Iterator[None]:
    """Put the garbage collector off.

    A collection stops every thread, once each has come to a place where it can stop; one that is
    hardly ever scheduled would keep all the others waiting for it.
    """
    gc.disable()
    try:
        yield
    finally:
        gc.enable()
