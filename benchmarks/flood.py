"""A load client that is cheap enough for ten times what a server can do, on the same machine.

An open loop like `benchmarks.client.open_loop`: requests are due by a schedule whatever the server
does, and latency counts from when a request was *due*. Besides, it keeps every answer's status,
waits by epoll and a timer of the kernel (microseconds, without spinning), and does what clients do
in a bad hour: gives up after a while, and asks again at once.
"""

import gc
import os
import select
import socket
import time
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from math import inf

import numpy as np
from numpy.typing import NDArray

from benchmarks.client import CHUNK, LEAD_S, Address

CONNECTIONS = 256
PATIENCE_S = 2.0


@dataclass(frozen=True, slots=True)
class Answers:
    """What became of each request, by its place in the schedule.

    ``due_s`` float64[n], from the start. ``status`` int16[n] of the last answer, 0 without one.
    ``latency_s`` float64[n] from due, and ``waited_s`` float64[n] from the last sending, to the
    last answer; infinite without one. ``tries`` int16[n]. ``reduced`` bool[n]: answered with less
    effort. ``told`` bool[n]: told when to come back.
    """

    due_s: NDArray[np.float64]
    status: NDArray[np.int16]
    latency_s: NDArray[np.float64]
    waited_s: NDArray[np.float64]
    tries: NDArray[np.int16]
    reduced: NDArray[np.bool_]
    told: NDArray[np.bool_]
    elapsed_s: float
    client_cpu_s: float

    def good(self, within_s: float) -> NDArray[np.bool_]:
        """Return bool[n]: answered with 200 within that time of being due."""
        found: NDArray[np.bool_] = (self.status == 200) & (self.latency_s <= within_s)
        return found


def flood(
    address: Address,
    requests: Sequence[bytes],
    schedule: NDArray[np.float64],
    connections: int = CONNECTIONS,
    retries: int = 0,
    timeout_s: float = PATIENCE_S,
) -> Answers:
    """Send by the schedule, request i being ``requests[i % len(requests)]``.

    What is not answered with 200, or not within ``timeout_s``, is asked again at once, up to
    ``retries`` times. With more requests under way than connections, the rest waits here, and its
    latency runs.
    """
    gc.collect()
    gc.disable()
    try:
        return _Flood(address, requests, schedule, connections, retries, timeout_s).run()
    finally:
        gc.enable()


class _Line:
    """One keep-alive connection with at most one request under way."""

    __slots__ = ("index", "received", "sent_s", "socket")

    def __init__(self, address: Address) -> None:
        self.socket = socket.create_connection(address, timeout=30)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.index = -1
        self.sent_s = 0.0
        self.received = b""

    def receive(self) -> bytes | None:
        """Read once; return the answer, head and body, when it is whole.

        Raises:
            OSError: the connection is gone.
        """
        chunk = self.socket.recv(CHUNK)
        if not chunk:
            raise ConnectionResetError("the server closed the connection")
        data = self.received + chunk if self.received else chunk
        end = data.find(b"\r\n\r\n")
        at = data.find(b"content-length: ", 0, max(end, 0)) + 16
        if end < 0 or len(data) < end + 4 + int(data[at : data.find(b"\r", at)]):
            self.received = data
            return None
        self.received = b""
        return data


class _Flood:
    def __init__(
        self,
        address: Address,
        requests: Sequence[bytes],
        schedule: NDArray[np.float64],
        connections: int,
        retries: int,
        timeout_s: float,
    ) -> None:
        n = len(schedule)
        self._address, self._requests = address, requests
        self._due_s: list[float] = schedule.tolist()
        self._retries, self._timeout_s = retries, timeout_s
        self._status = [0] * n
        self._latency_s, self._waited_s = [inf] * n, [inf] * n
        self._tries = [0] * n
        self._reduced, self._told = [False] * n, [False] * n
        self._open = n
        self._waiting, self._idle = deque[int](), deque[_Line]()
        self._under_way = deque[tuple[float, _Line]]()
        self._lines: dict[int, _Line] = {}
        self._poll = select.epoll()
        self._timer = os.timerfd_create(time.CLOCK_MONOTONIC, flags=os.TFD_NONBLOCK)
        self._poll.register(self._timer, select.EPOLLIN)
        for _ in range(connections):
            self._connect()

    def run(self) -> Answers:
        """Send everything, wait for what is under way, close."""
        due_s, waiting, idle = self._due_s, self._waiting, self._idle
        count, due, last = len(due_s), 0, due_s[-1] + PATIENCE_S
        cpu, start = time.process_time(), time.monotonic() + LEAD_S
        while self._open and (now := time.monotonic() - start) < last:
            while due < count and due_s[due] <= now:
                waiting.append(due)
                due += 1
            self._give_up(now)
            while waiting and idle:
                self._send(idle.popleft(), waiting.popleft(), time.monotonic() - start)
            wake_s = due_s[due] if due < count else last
            if self._under_way:
                wake_s = min(wake_s, self._under_way[0][0] + self._timeout_s)
            os.timerfd_settime(
                self._timer, flags=os.TFD_TIMER_ABSTIME, initial=max(start + wake_s, 1e-9)
            )
            for descriptor, _ in self._poll.poll(PATIENCE_S):
                if descriptor != self._timer:
                    self._receive(self._lines[descriptor], start)
        elapsed, cpu = time.monotonic() - start, time.process_time() - cpu
        self._close()
        return Answers(
            np.array(due_s),
            np.array(self._status, np.int16),
            np.array(self._latency_s),
            np.array(self._waited_s),
            np.array(self._tries, np.int16),
            np.array(self._reduced),
            np.array(self._told),
            elapsed,
            cpu,
        )

    def _connect(self) -> None:
        line = _Line(self._address)
        self._lines[line.socket.fileno()] = line
        self._poll.register(line.socket, select.EPOLLIN)
        self._idle.append(line)

    def _drop(self, line: _Line) -> None:
        self._poll.unregister(line.socket)
        del self._lines[line.socket.fileno()]
        line.socket.close()
        self._connect()

    def _send(self, line: _Line, index: int, now: float) -> None:
        line.index, line.sent_s = index, now
        self._tries[index] += 1
        self._under_way.append((now, line))
        try:
            line.socket.sendall(self._requests[index % len(self._requests)])
        except OSError:
            self._fail(line)

    def _receive(self, line: _Line, start: float) -> None:
        try:
            data = line.receive()
        except OSError:
            self._fail(line)
            return
        if data is None:
            return
        now, index, line.index = time.monotonic() - start, line.index, -1
        self._idle.append(line)
        if index < 0:
            return
        status = self._status[index] = int(data[9:12])
        if status != 200 and self._tries[index] <= self._retries:
            self._waiting.appendleft(index)
            return
        self._latency_s[index] = now - self._due_s[index]
        self._waited_s[index] = now - line.sent_s
        self._reduced[index] = status == 200 and b'"overload"' in data
        self._told[index] = status != 200 and b"retry-after: " in data
        self._open -= 1

    def _fail(self, line: _Line) -> None:
        """Give up what is under way on a line, and take another line."""
        index, line.index = line.index, -1
        if index >= 0:
            self._status[index] = 0
            if self._tries[index] <= self._retries:
                self._waiting.appendleft(index)
            else:
                self._open -= 1
        else:
            self._idle.remove(line)
        self._drop(line)

    def _give_up(self, now: float) -> None:
        """Drop the lines of requests that have been under way for too long."""
        under_way = self._under_way
        while under_way and (
            under_way[0][1].sent_s != under_way[0][0]
            or under_way[0][1].index < 0
            or under_way[0][0] + self._timeout_s <= now
        ):
            sent_s, line = under_way.popleft()
            if line.index >= 0 and line.sent_s == sent_s:
                self._fail(line)

    def _close(self) -> None:
        for line in self._lines.values():
            line.socket.close()
        self._poll.close()
        os.close(self._timer)
