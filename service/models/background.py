"""Work that takes the processor only while nobody else wants it."""

import contextlib
import gc
import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager


def in_background[T](work: Callable[[], T]) -> T:
    """Return what work returns, done by a thread of its own that yields to all others.

    Whoever waits here keeps their priority. Where there is no such policy (not Linux) the thread
    is an ordinary one. See docs/decisions/0012-swapping-models.md for what this is worth.
    """
    with _no_collection(), ThreadPoolExecutor(1, "braid-model", _yield_to_all) as threads:
        return threads.submit(work).result()


def _yield_to_all() -> None:
    if hasattr(os, "SCHED_IDLE"):
        with contextlib.suppress(OSError):  # a sandbox may forbid it
            os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))


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
