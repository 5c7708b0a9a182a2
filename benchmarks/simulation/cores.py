"""Cores that all runnable threads share evenly, as the system's scheduler means to."""

import simpy


class Cores:
    """``count`` cores under processor sharing: each of n runnable threads gets min(1, count/n).

    The limit of ever shorter time slices (L. Kleinrock, Queueing Systems II, 1976, section 4.4). A
    thread of the simulation is whoever calls `work`; it gets no more than one core.
    """

    def __init__(self, env: simpy.Environment, count: float) -> None:
        self.used_s = 0.0
        self._env = env
        self._count = count
        self._left_s: dict[simpy.Event, float] = {}
        self._since_s = 0.0
        self._version = 0

    def work(self, seconds: float) -> simpy.Event:
        """Return what happens when so many seconds of a core's work are done."""
        self._advance()
        done = self._env.event()
        self._left_s[done] = seconds
        self._plan()
        return done

    def _share(self) -> float:
        return min(1.0, self._count / len(self._left_s))

    def _advance(self) -> None:
        """Take off what was done since the last change."""
        elapsed_s, self._since_s = self._env.now - self._since_s, self._env.now
        if self._left_s and elapsed_s > 0:
            done_s = elapsed_s * self._share()
            self.used_s += done_s * len(self._left_s)
            for thread in self._left_s:
                self._left_s[thread] -= done_s

    def _plan(self) -> None:
        """Come back when the next thread will be done, if nothing changes until then."""
        self._version += 1
        if self._left_s:
            wait_s = max(0.0, min(self._left_s.values()) / self._share())
            self._env.timeout(wait_s, self._version).callbacks.append(self._look)

    def _look(self, planned: simpy.Event) -> None:
        if planned.value != self._version:
            return  # something has changed since it was planned
        self._advance()
        least_s = min(self._left_s.values())
        for thread in [one for one, left_s in self._left_s.items() if left_s <= least_s]:
            del self._left_s[thread]
            thread.succeed()
        self._plan()
