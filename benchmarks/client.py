"""A load client: one thread, raw keep-alive sockets, closed loop or open loop.

In a closed loop a slow server is asked less often, which hides the queue that real users would
stand in. In the open loop requests are due by a schedule, whatever the server does, and latency
counts from the time a request was *due*, not from when a connection was free to send it
(G. Tene, "How not to measure latency": coordinated omission).
"""

import gc
import selectors
import socket
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import inf
from time import perf_counter, process_time

import numpy as np
from numpy.typing import NDArray

type Address = tuple[str, int]

CONNECTIONS = 32
PATIENCE_S = 2.0
LEAD_S = 0.005
CHUNK = 1 << 18


@dataclass(frozen=True, slots=True)
class Reply:
    """One HTTP answer."""

    status: int
    head: bytes
    body: bytes


@dataclass(frozen=True, slots=True)
class Run:
    """``latencies_s`` is float64[n]: infinite where no good answer came.

    ``began_s`` is when the run began, by `time.perf_counter`.
    """

    latencies_s: NDArray[np.float64]
    elapsed_s: float
    client_cpu_s: float
    began_s: float = 0.0

    @property
    def failed(self) -> int:
        """Return how many requests got no answer, or a bad one."""
        return int(np.isinf(self.latencies_s).sum())

    @property
    def per_second(self) -> float:
        """Return good answers per second."""
        return (len(self.latencies_s) - self.failed) / self.elapsed_s


def post(path: str, body: bytes) -> bytes:
    """Return a whole HTTP/1.1 request, as it goes over the wire."""
    head = (
        f"POST {path} HTTP/1.1\r\nhost: localhost\r\n"
        f"content-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


class Connection:
    """One keep-alive connection with at most one request under way."""

    def __init__(self, address: Address) -> None:
        self.socket = socket.create_connection(address, timeout=30)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.index = -1
        self.due_s = 0.0
        self._received = bytearray()

    def ask(self, request: bytes) -> Reply:
        """Send, and wait for the answer."""
        self.send(request)
        while True:
            if reply := self.receive():
                return reply

    def send(self, request: bytes) -> None:
        """Send a request."""
        self.socket.sendall(request)

    def receive(self) -> Reply | None:
        """Read once; return the answer when it is whole.

        Raises:
            ConnectionError: the server closed the connection.
        """
        chunk = self.socket.recv(CHUNK)
        if not chunk:
            raise ConnectionResetError("the server closed the connection")
        data = self._received
        data += chunk
        end = data.find(b"\r\n\r\n")
        if end < 0:
            return None
        at = data.find(b"content-length: ", 0, end) + 16
        length = int(data[at : data.find(b"\r", at)])
        if len(data) < end + 4 + length:
            return None
        reply = Reply(int(data[9:12]), bytes(data[:end]), bytes(data[end + 4 :]))
        self._received = bytearray()
        return reply

    def close(self) -> None:
        """Close."""
        self.socket.close()


def good(reply: Reply) -> bool:
    """Tell whether it is a full answer: not refused, and not by a fallback."""
    return reply.status == 200 and (
        b'"degraded"' not in reply.body or b'"degraded":[]' in reply.body
    )


type Accept = Callable[[Reply, int], bool]


def closed_loop(
    address: Address, requests: Sequence[bytes], connections: int, seconds: float
) -> Run:
    """Keep ``connections`` requests under way: each is sent when the one before is answered."""
    pool = [Connection(address) for _ in range(connections)]
    latencies: list[float] = []
    sent = 0
    with selectors.SelectSelector() as selector, _quiet():
        for connection in pool:
            selector.register(connection.socket, selectors.EVENT_READ, connection)
        cpu, start = process_time(), perf_counter()
        for connection in pool:
            connection.due_s = perf_counter()
            connection.send(requests[sent % len(requests)])
            sent += 1
        under_way = connections
        while under_way:
            for key, _ in selector.select():
                connection = key.data
                reply = connection.receive()
                if reply is None:
                    continue
                now = perf_counter()
                latencies.append(now - connection.due_s if good(reply) else inf)
                if now - start < seconds:
                    connection.due_s = perf_counter()
                    connection.send(requests[sent % len(requests)])
                    sent += 1
                else:
                    under_way -= 1
        elapsed, cpu = perf_counter() - start, process_time() - cpu
    for connection in pool:
        connection.close()
    return Run(np.array(latencies), elapsed, cpu)


def arrivals(rate: float, seconds: float, seed: int) -> NDArray[np.float64]:
    """Draw a Poisson schedule: float64[n], seconds from the start."""
    gaps = np.random.default_rng(seed).exponential(1 / rate, max(1, round(rate * seconds)))
    return np.cumsum(gaps)


def open_loop(
    address: Address,
    requests: Sequence[bytes],
    schedule: NDArray[np.float64],
    connections: int = CONNECTIONS,
    accept: Accept = lambda reply, _: good(reply),
) -> Run:
    """Send by the schedule over a pool of connections, the longest idle first.

    A reply that is not accepted counts as none; the number is its request's among ``requests``.
    """
    pool = [Connection(address) for _ in range(connections)]
    idle, waiting = deque(pool), deque[int]()
    latencies = np.full(len(schedule), inf)
    due, answered, last = 0, 0, float(schedule[-1]) + PATIENCE_S
    with selectors.SelectSelector() as selector, _quiet():
        for connection in pool:
            selector.register(connection.socket, selectors.EVENT_READ, connection)
        cpu, start = process_time(), perf_counter() + LEAD_S
        while answered < len(schedule) and (now := perf_counter() - start) < last:
            while due < len(schedule) and schedule[due] <= now:
                waiting.append(due)
                due += 1
            while waiting and idle:
                connection, connection.index = idle.popleft(), waiting.popleft()
                connection.send(requests[connection.index % len(requests)])
            now = perf_counter() - start
            wait = max(0.0, schedule[due] - now) if due < len(schedule) else last - now
            for key, _ in selector.select(wait):
                connection = key.data
                reply = connection.receive()
                if reply is None:
                    continue
                now = perf_counter() - start
                if accept(reply, connection.index % len(requests)):
                    latencies[connection.index] = now - schedule[connection.index]
                answered += 1
                idle.append(connection)
        elapsed, cpu = perf_counter() - start, process_time() - cpu
    for connection in pool:
        connection.close()
    return Run(latencies, elapsed, cpu, start)


class _quiet:  # noqa: N801  reads like the context managers of contextlib
    """Keep this process's garbage collector out of the measurement."""

    def __enter__(self) -> None:
        gc.collect()
        gc.disable()

    def __exit__(self, *_: object) -> None:
        gc.enable()
