"""Connections on real sockets, spread over loops."""

import socket
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing

import pytest

from service.app import Service
from service.http.acceptor import Acceptor
from tests.service.conftest import Client

LOOPS = 4


class Shelf:
    """Keeps the connections it is given."""

    def __init__(self) -> None:
        self.connections: list[socket.socket] = []
        self.stuck = False

    def still(self) -> bool:
        return self.stuck

    def load(self) -> int:
        return len(self.connections)

    def take(self, connection: socket.socket) -> None:
        self.connections.append(connection)

    def close(self) -> None:
        for connection in self.connections:
            connection.close()


class Door:
    """A listening socket, an acceptor, and the shelves behind it."""

    def __init__(self, stack: ExitStack, most: int = 1000) -> None:
        listener = socket.create_server(("127.0.0.1", 0), backlog=128)
        listener.setblocking(False)
        self.address = listener.getsockname()
        self.shelves = [stack.enter_context(closing(Shelf())) for _ in range(LOOPS)]
        self.acceptor = Acceptor(listener, self.shelves, most)
        self._stack = stack

    def knock(self) -> socket.socket:
        return self._stack.enter_context(socket.create_connection(self.address, timeout=10))

    def loads(self) -> list[int]:
        return sorted(shelf.load() for shelf in self.shelves)


@pytest.fixture
def door() -> Iterator[Door]:
    with ExitStack() as stack:
        door = Door(stack)
        stack.callback(door.acceptor.stop)
        yield door


def until(true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 30
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.001)


@pytest.mark.parametrize("clients", [LOOPS, 2 * LOOPS, 40])
def test_no_loop_has_two_connections_more_than_another(door: Door, clients: int) -> None:
    door.acceptor.start()
    for _ in range(clients):
        door.knock()
    until(lambda: sum(door.loads()) == clients)
    assert door.loads() == [clients // LOOPS] * LOOPS


def test_who_left_is_no_load(door: Door) -> None:
    """The next connections go where places became free."""
    door.acceptor.start()
    for _ in range(2 * LOOPS):
        door.knock()
    until(lambda: sum(door.loads()) == 2 * LOOPS)
    for connection in door.shelves[2].connections:
        connection.close()
    door.shelves[2].connections.clear()
    for _ in range(2):
        door.knock()
    until(lambda: sum(door.loads()) == 2 * LOOPS)
    assert door.loads() == [2] * LOOPS


def test_who_waits_in_the_queue_when_it_stops_is_let_in(door: Door) -> None:
    for _ in range(50):
        door.knock()
    door.acceptor.start()
    door.acceptor.stop()
    assert sum(door.loads()) == 50
    with pytest.raises(ConnectionRefusedError):
        door.knock()


def test_it_stops_without_having_started(door: Door) -> None:
    door.acceptor.stop()
    with pytest.raises(ConnectionRefusedError):
        door.knock()


def test_as_many_clients_as_loops_get_a_loop_each(service: Service) -> None:
    loops = service._server._loops
    until(lambda: not any(loop.load() for loop in loops))  # those of the tests before are gone
    clients = [Client(service.url) for _ in loops]
    for client in clients:
        assert client.get("/health/live").status == 200
    # Who has just arrived may for a moment be counted as on the way, too.
    until(lambda: [loop.load() for loop in loops] == [1] * len(loops))
    for client in clients:
        client.close()
    until(lambda: not any(loop.load() for loop in loops))
