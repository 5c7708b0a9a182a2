"""Threads that are released together: what every race here is run with.

Without the GIL a race needs no switch interval, only threads that are at work at the same moment:
so each is bound to a core of its own as far as there are any, and all wait at one barrier.
"""

import os
import sys
import threading
from collections.abc import Callable, Sequence
from itertools import count

WAIT_S = 60.0  # what is awaited comes within a second; a race that waits this long has failed

type Work = Callable[[], object]


def together(*works: Work) -> None:
    """Run each in a thread of its own, all at once; raise what the first to fail raised."""
    against(works)


def against(works: Sequence[Work], *looks: Work) -> int:
    """Run works as `together` does and, until all have ended, looks over and over meanwhile.

    Returns:
        How often anybody looked, each once at least.
    """
    start = threading.Barrier(len(works) + len(looks))
    ended, faults, looked = threading.Event(), list[BaseException](), list[int]()
    left = list(works)

    def guarded(work: Work, core: int) -> None:
        _stay_on(core)
        try:
            start.wait(WAIT_S)
            work()
        except BaseException as fault:  # noqa: BLE001  raised again by whoever asked
            faults.append(fault)
            ended.set()

    def to_the_end(work: Work) -> None:
        work()
        left.pop()
        if not left:
            ended.set()

    def over_and_over(look: Work) -> None:
        for times in count(1):
            look()
            if ended.is_set():
                looked.append(times)
                return

    jobs: list[Work] = [lambda work=work: to_the_end(work) for work in works]  # type: ignore[misc]  # it binds
    jobs += [lambda look=look: over_and_over(look) for look in looks]  # type: ignore[misc]  # it binds
    threads = [
        threading.Thread(target=guarded, args=(job, core), daemon=True)
        for core, job in enumerate(jobs)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(WAIT_S)
    for fault in faults:
        raise fault
    assert not any(thread.is_alive() for thread in threads), "a thread hangs"
    return sum(looked)


def _stay_on(number: int) -> None:
    if sys.platform == "linux":
        cores = sorted(os.sched_getaffinity(0))
        os.sched_setaffinity(0, {cores[number % len(cores)]})
