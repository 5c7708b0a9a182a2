"""A few threads for what nobody may have to wait for."""

import os
import sys
from collections.abc import Callable
from concurrent.futures import Future
from queue import SimpleQueue
from threading import Barrier, Semaphore, Thread, get_native_id
from typing import Any


class SideThreads:
    """Started once, and daemons: the process can end whatever they do.

    One that hangs is lost until it comes back. Where none is free nothing is begun, rather than
    that requests queue up. ``nice`` (0 to 19) is how far they stand back for whoever else wants
    a core, where the system schedules threads one by one, as Linux does.
    """

    def __init__(self, count: int, name: str, nice: int = 0) -> None:
        self._free = Semaphore(count)
        self._queue = SimpleQueue[tuple[Callable[[], Any], Future[Any]] | None]()
        self._count, self._nice = count, nice
        all_there = Barrier(count + 1)
        for index in range(count):
            # Now and not when a request comes, whose context they would keep.
            Thread(target=self._run, args=(all_there,), name=f"{name}-{index}", daemon=True).start()
        all_there.wait()

    def begin[T](self, work: Callable[[], T]) -> Future[T] | None:
        """Have it done by a thread that is free; None where none is."""
        if not self._free.acquire(blocking=False):
            return None
        asked: Future[T] = Future()
        self._queue.put((work, asked))
        return asked

    def close(self) -> None:
        """End those that are free, the others when they come back."""
        for _ in range(self._count):
            self._queue.put(None)

    def _run(self, all_there: Barrier) -> None:
        if self._nice and sys.platform == "linux":  # elsewhere it would be the whole process
            os.setpriority(os.PRIO_PROCESS, get_native_id(), self._nice)
        all_there.wait()
        while (given := self._queue.get()) is not None:
            work, asked = given
            try:
                asked.set_result(work())
            except BaseException as fault:  # noqa: BLE001  raised by whoever waits
                asked.set_exception(fault)
            del given, work, asked  # who is free keeps nothing of a request alive
            self._free.release()
