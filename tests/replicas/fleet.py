"""Replicas of their own processes over one store, to be restarted and killed one by one."""

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from benchmarks import servers
from benchmarks.client import Address
from tests.faults.swapping import PATIENT, wishes


class Fleet:
    """So many `braid serve` with nothing in common but the store; each keeps its port."""

    def __init__(self, folder: Path, version: str, redis: str, *flags: str, count: int = 3) -> None:
        self.addresses: list[Address] = [("127.0.0.1", servers.free_port()) for _ in range(count)]
        self._log = folder
        self._flags = ["--artifact", str(folder / version), "--redis", redis, *flags]
        # One loop each: three processes are more than two cores anyway.
        self._flags += ["--loops", "1", "--crew", "0"]
        for name, value in PATIENT.items():
            self._flags += [f"--{name.replace('_', '-')}", str(value)]
        self._running: list[tuple[ExitStack, servers.Server] | None] = [None] * count

    def start(self, number: int) -> None:
        """Start one; return when it answers."""
        port = self.addresses[number][1]
        stack = ExitStack()
        command = servers.braid(port, *self._flags)
        log = self._log / f"replica-{number}.log"
        served = servers.serving(f"replica {number}", command, port, wishes()[0], log)
        self._running[number] = stack, stack.enter_context(served)

    def stop(self, number: int) -> None:
        """Ask one to end (SIGTERM), and return when it has."""
        running = self._running[number]
        assert running is not None
        self._running[number] = None
        running[0].close()

    def signal(self, number: int, signal_: signal.Signals) -> None:
        """Send one a signal."""
        running = self._running[number]
        assert running is not None
        os.kill(running[1].pid, signal_)

    def kill(self, number: int) -> None:
        """Kill one, and return when it has gone."""
        self.signal(number, signal.SIGKILL)
        self.stop(number)

    def stop_all(self) -> None:
        """Stop those that run, all at once."""
        running = [number for number, one in enumerate(self._running) if one is not None]
        for number in running:
            self.signal(number, signal.SIGTERM)
        for number in running:
            self.stop(number)


@contextmanager
def fleet(folder: Path, version: str, redis: str, *flags: str, count: int = 3) -> Iterator[Fleet]:
    """Start all at once, and stop what is left of them."""
    replicas = Fleet(folder, version, redis, *flags, count=count)
    try:
        starting = [
            threading.Thread(target=replicas.start, args=(number,)) for number in range(count)
        ]
        for thread in starting:
            thread.start()
        for thread in starting:
            thread.join()
        assert all(replicas._running), "a replica did not start"
        yield replicas
    finally:
        replicas.stop_all()
