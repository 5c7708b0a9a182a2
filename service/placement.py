"""Where threads run: off the core of whoever has called them."""

import ctypes
import os
import sys
from typing import Any


def _linux() -> Any:
    """Return the C library where it can tell a thread its core, None elsewhere."""
    library = ctypes.CDLL(None) if sys.platform == "linux" else None
    return library if hasattr(library, "sched_getcpu") else None


_LIBRARY = _linux()


class Placement:
    """Keeps one thread off one core, whichever was said last.

    A kernel that knows of no idle core nearby, as in many virtual machines, wakes a thread on the
    core of the thread that wakes it; there it waits for the end of a time slice, some
    milliseconds, while the other cores sleep (docs/decisions/0013). Where the system has no such
    calls, or forbids them, the thread runs wherever the system likes.
    """

    def __init__(self) -> None:
        self._cores = os.sched_getaffinity(0) if _LIBRARY else set[int]()
        self._off = -1

    def keep_off_this_core(self, thread_id: int) -> None:
        """Keep the thread off the caller's core, at the cost of a system call if that changed."""
        if len(self._cores) < 2:
            return
        core = _LIBRARY.sched_getcpu()
        if core != self._off:
            self._off = core
            try:
                os.sched_setaffinity(thread_id, self._cores - {core})
            except OSError:
                self._cores = set()
