"""Ends functions of the user's own that take longer than there is time for."""

import ctypes
import logging
import os
import sys
import traceback
from collections.abc import Callable
from queue import SimpleQueue
from threading import Event, Thread, get_ident
from time import perf_counter_ns
from typing import Any, Final

LOOK_S: Final = 0.004
"""How often calls are looked at, while there are any: how late one is struck at most."""

REST_AFTER: Final = 250
"""Looks without a call, one second, after which it sleeps: to be woken costs the caller more."""

LONGEST_NS: Final = 10_000_000_000
"""What a call without a deadline may take: the longest deadline that a request may have."""

GRACE_NS: Final = 250_000_000
"""Who was struck and is still there after so long cannot be ended from outside."""

FEELS_NS: Final = 50_000_000
"""Who feels the blow this long after it was due, or later, was in code that does not feel any."""

SUSPECT_FOR_NS: Final = 60_000_000_000
"""How long a function stays a suspect: a machine that stood still looks just like one that does."""

log = logging.getLogger("braid")

_raise_in = ctypes.pythonapi.PyThreadState_SetAsyncExc
_raise_in.argtypes = (ctypes.c_ulong, ctypes.py_object)
_NOTHING = ctypes.py_object()  # takes back what has not arrived yet


class Late(BaseException):
    """The time of the user's own function was over; no `Exception`, lest it is caught there."""


class _Call:
    __slots__ = ("felt_late", "function", "over", "stop_ns", "struck", "thread")

    def __init__(self, function: object, stop_ns: float) -> None:
        self.function = function
        self.thread = get_ident()
        self.stop_ns = stop_ns
        self.struck = self.felt_late = False
        self.over = False


class Watchdog:
    """Strikes who is late: `Late` is raised in the midst of their Python code.

    That is all that can be done to a thread from outside. Code that does not come back to the
    interpreter (a C call, a sleep) does not feel it: its function becomes a suspect, and whoever
    asks for it again should do so where nobody waits (`service.asides`).
    """

    def __init__(self) -> None:
        # Whoever takes a call out, its own thread or the watchdog's, decides whether it is struck.
        self._calls = set[_Call]()
        self._struck: list[_Call] = []
        self._suspects: dict[int, tuple[object, int]] = {}
        # C code throughout: where a blow falls in the midst of it, nothing is left half done.
        self._bell = SimpleQueue[None]()
        self._awake = self._ended = False
        self._thread = Thread(target=self._watch, name="braid-watchdog", daemon=True)
        self._thread.start()

    def call[T](self, function: Callable[..., T], stop_ns: float, *given: Any) -> T:
        """Return ``function(*given)``, which has until ``stop_ns`` of the performance counter.

        Raises:
            Late: it took longer.
        """
        call = _Call(function, min(stop_ns, perf_counter_ns() + LONGEST_NS))
        try:
            try:
                self._calls.add(call)
                if not self._awake:
                    self._bell.put(None)
                return function(*given)
            finally:
                self._end(call)
        finally:
            call.over = True

    def suspects(self, function: object) -> bool:
        """Tell whether the function was late of late, and did not feel the blow."""
        if not self._suspects:
            return False
        _, until_ns = self._suspects.get(id(function), (None, 0))
        return perf_counter_ns() < until_ns

    def close(self) -> None:
        """Watch no longer."""
        self._ended = True
        self._bell.put(None)
        self._thread.join()

    def _end(self, call: _Call) -> None:
        """Leave the watch; no blow falls after this."""
        if self._takes_out(call):
            return
        # It has been struck, or is about to be. If the blow falls in here, so much the better: it
        # is raised from here. If the function caught it, there is nothing to take back.
        while not call.struck:
            os.sched_yield()
        _raise_in(call.thread, _NOTHING)
        now_ns = perf_counter_ns()
        if now_ns >= call.stop_ns + FEELS_NS and not self.suspects(call.function):
            self._suspect(call, now_ns)
            call.felt_late = True  # the watchdog logs it

    def _watch(self) -> None:
        idle = REST_AFTER
        while not self._ended:
            if self._calls or self._struck:
                idle = 0
            elif idle >= REST_AFTER:
                self._awake = False
                if not self._calls:  # else its caller may have found the watchdog awake
                    self._bell.get()
                self._awake, idle = True, 0
            idle += 1
            Event().wait(LOOK_S)
            now_ns = perf_counter_ns()
            for call in self._calls.copy():
                if now_ns >= call.stop_ns and self._takes_out(call):
                    _raise_in(call.thread, Late)
                    call.struck = True
                    self._struck.append(call)
            self._struck = [call for call in self._struck if self._still_there(call, now_ns)]

    def _still_there(self, call: _Call, now_ns: int) -> bool:
        """Tell whether a call that was struck may still feel it."""
        if call.over:
            if call.felt_late:
                log.error("%r ends late; for a minute it is called aside", call.function)
            return False
        if now_ns < call.stop_ns + GRACE_NS:
            return True
        if not self.suspects(call.function):
            # All threads are stopped for this look, and one in a C call stops when that ends: once.
            frame = sys._current_frames().get(call.thread)
            where = "".join(traceback.format_stack(frame)) if frame is not None else ""
            log.error("%r does not end; for a minute it is called aside:\n%s", call.function, where)
        self._suspect(call, now_ns)
        return False

    def _takes_out(self, call: _Call) -> bool:
        """Take a call out of the watch; tell whether it was still in."""
        try:
            self._calls.remove(call)
        except KeyError:
            return False
        return True

    def _suspect(self, call: _Call, now_ns: int) -> None:
        # Kept, so that the id stays its own.
        self._suspects[id(call.function)] = call.function, now_ns + SUSPECT_FOR_NS
