"""Braid with another way from connection to stages: python -m benchmarks.loop_variants NAME ...

The rest of the command line is that of `braid`. Nothing of this is in the product.
"""

import asyncio
import selectors
import socket
import sys
from collections.abc import Callable, Coroutine, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from threading import Thread
from typing import Any

import service.http.routes
import service.http.server
from service.answer import Answer
from service.cli import main as braid
from service.http.acceptor import Taker

# To be exchanged, names are looked up where they are used, which no module exports.
routes: Any = service.http.routes
server: Any = service.http.server


class Hashed(Thread):
    """A socket per loop: the kernel spreads connections by a hash (SO_REUSEPORT)."""

    turned_away = 0

    def __init__(self, listener: socket.socket, takers: Sequence[Taker], _most: int) -> None:
        super().__init__(daemon=True)
        self._listeners = [listener]
        self._listeners += [_reusable(listener.getsockname()) for _ in takers[1:]]
        self._takers = takers

    def run(self) -> None:
        """Give what each socket accepts to its own loop."""
        with selectors.DefaultSelector() as selector:
            for listener, taker in zip(self._listeners, self._takers, strict=True):
                selector.register(listener, selectors.EVENT_READ, taker)
            while True:
                for key, _ in selector.select():
                    connection, _ = key.fileobj.accept()  # type: ignore[union-attr]  # a socket
                    connection.setblocking(False)
                    key.data.take(connection)

    def stop(self) -> None:
        """Do nothing: it ends with the process."""


def hashed() -> None:
    """Let the kernel choose the loop."""
    listen = server._listen

    def reusable(host: str, port: int) -> socket.socket:
        # Whoever binds first must have said that others may: so it is bound anew.
        first: socket.socket = listen(host, port)
        address = first.getsockname()
        first.close()
        return _reusable(address)

    server._listen = reusable
    server.Acceptor = Hashed


def _reusable(address: tuple[str, int]) -> socket.socket:
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    listener.bind(address)
    listener.listen(2048)
    listener.setblocking(False)
    return listener


def handed_over(threads: int) -> None:
    """Run a request's stages in another thread, as an executor does; needs the rows near."""
    recommend = routes.recommend
    pool = ThreadPoolExecutor(threads, thread_name_prefix="stages")

    def run(stages: Coroutine[Any, Any, Answer]) -> Answer:
        try:
            stages.send(None)
        except StopIteration as done:
            answer: Answer = done.value
            return answer
        stages.close()
        raise RuntimeError("the stages waited: this variant is for requests without a user")

    async def answer(*asked: Any) -> Answer:
        stages = recommend(*asked)
        return await asyncio.get_running_loop().run_in_executor(pool, partial(run, stages))

    routes.recommend = answer


VARIANTS: dict[str, Callable[[], None]] = {
    "hashed": hashed,
    "handed-over": partial(handed_over, 1),
    "handed-over-2": partial(handed_over, 2),
}


def main() -> None:
    """Exchange it, then serve."""
    _, name, *arguments = sys.argv
    VARIANTS[name]()
    sys.argv = ["braid", *arguments]
    braid()


if __name__ == "__main__":
    main()
