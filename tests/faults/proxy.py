"""A proxy in front of a server, TCP or Unix, that makes the trouble it is told to, while it runs.

    python -m tests.faults.proxy --listen 127.0.0.1:7000 --upstream 127.0.0.1:6379 --latency 20

Each line on its standard input is the flags from then on (`--average-size 1 --delay 100`, an
empty line for none, `down`, `up`). Flags are for what the server answers; with --way upstream for
what it is asked, with --way both for both. Modelled on Shopify's Toxiproxy, whose names they are.
"""

import argparse
import asyncio
import contextlib
import dataclasses
import shlex
import socket
import sys
import tempfile
import threading
from pathlib import Path
from random import Random
from types import TracebackType
from typing import Self

from tests.faults.link import End, Link
from tests.faults.toxics import CLEAN, Toxics

CONNECT_TIMEOUT_S = 1.0


class Proxy:
    """Runs in a thread of its own. ``links`` are all connections that there ever were.

    ``downstream`` is what happens to answers, ``upstream`` to questions; either may be set at any
    time and goes for the connections that stand, too. ``accepting`` False leaves new connections
    in the kernel's queue, where nobody answers them.
    """

    def __init__(self, upstream: str, listen: str | None = None, seed: int = 1) -> None:
        """Stand before ``upstream``; listen at a free address of the same kind if none is named.

        An address is ``host:port``, ``redis://host:port``, or ``unix:///path``.
        """
        self.links: list[Link] = []
        self._server = _address(upstream)
        self._random = Random(seed)
        self._folder = tempfile.TemporaryDirectory(prefix="braid-proxy-")
        if listen is not None:
            self._address = _address(listen)
        elif isinstance(self._server, str):
            self._address = str(Path(self._folder.name) / "proxy.sock")
        else:
            self._address = ("127.0.0.1", 0)
        self._toxics = {"upstream": CLEAN, "downstream": CLEAN}
        self._accepting = True
        self._up = False
        self._loop = asyncio.new_event_loop()
        # Ends that break in the midst of a read are its trade, not worth a line each.
        self._loop.set_exception_handler(lambda *_: None)
        self._thread = threading.Thread(target=self._loop.run_forever, name="proxy")
        self._listener: socket.socket | None = None
        self._acceptor: asyncio.Task[None] | None = None
        self._running: set[asyncio.Task[None]] = set()
        self._changed = asyncio.Event()

    @property
    def url(self) -> str:
        """Return the address to give to a client of Redis."""
        if isinstance(self._address, str):
            return f"unix://{self._address}"
        return "redis://{}:{}".format(*self._address)

    @property
    def downstream(self) -> Toxics:
        return self._toxics["downstream"]

    @downstream.setter
    def downstream(self, toxics: Toxics) -> None:
        self._toxics["downstream"] = toxics
        self._loop.call_soon_threadsafe(self._announce)

    @property
    def upstream(self) -> Toxics:
        return self._toxics["upstream"]

    @upstream.setter
    def upstream(self, toxics: Toxics) -> None:
        self._toxics["upstream"] = toxics
        self._loop.call_soon_threadsafe(self._announce)

    @property
    def accepting(self) -> bool:
        return self._accepting

    @accepting.setter
    def accepting(self, accepting: bool) -> None:
        self._accepting = accepting
        self._loop.call_soon_threadsafe(self._accept_or_not)

    def up(self) -> None:
        """Listen, at the same address as before."""
        asyncio.run_coroutine_threadsafe(self._listen(), self._loop).result()

    def down(self) -> None:
        """Refuse connections, and reset those that there are."""
        asyncio.run_coroutine_threadsafe(self._shut(), self._loop).result()

    def reset(self) -> None:
        """Reset every connection that there is, and go on accepting."""
        asyncio.run_coroutine_threadsafe(self._reset(), self._loop).result()

    def __enter__(self) -> Self:
        self._thread.start()
        self.up()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        fault: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.down()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()
        self._folder.cleanup()

    # What runs in the loop's thread.

    def _announce(self) -> None:
        self._changed.set()
        self._changed = asyncio.Event()

    async def _change(self) -> None:
        await self._changed.wait()

    async def _listen(self) -> None:
        self._bind()
        self._accept_or_not()

    def _bind(self) -> None:
        if isinstance(self._address, str):
            Path(self._address).unlink(missing_ok=True)
            self._listener = socket.socket(socket.AF_UNIX)
        else:
            self._listener = socket.socket(proto=socket.IPPROTO_TCP)
            self._listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._listener.bind(self._address)
        self._listener.listen(1024)
        self._listener.setblocking(False)
        if not isinstance(self._address, str):
            self._address = self._listener.getsockname()[:2]

    async def _shut(self) -> None:
        if self._acceptor is not None:
            self._acceptor.cancel()
            self._acceptor = None
        if self._listener is not None:
            self._listener.close()
            self._listener = None
        await self._reset()

    async def _reset(self) -> None:
        for link in self.links:
            link.reset()
        for task in (running := list(self._running)):
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)

    def _accept_or_not(self) -> None:
        if self._acceptor is not None:
            self._acceptor.cancel()
            self._acceptor = None
        if self._accepting and self._listener is not None:
            self._acceptor = self._loop.create_task(self._accept(self._listener))

    async def _accept(self, listener: socket.socket) -> None:
        while True:
            client, _ = await self._loop.sock_accept(listener)
            task = self._loop.create_task(self._serve(client))
            self._running.add(task)
            task.add_done_callback(self._running.discard)

    async def _serve(self, client: socket.socket) -> None:
        near = await asyncio.open_connection(sock=client)
        try:
            async with asyncio.timeout(CONNECT_TIMEOUT_S):
                far = await self._connect()
        except OSError:
            near[1].close()
            return
        link = Link(
            near,
            far,
            lambda: self.upstream,
            lambda: self.downstream,
            self._change,
            self._random,
        )
        self.links.append(link)
        await link.run()

    async def _connect(self) -> End:
        if isinstance(self._server, str):
            return await asyncio.open_unix_connection(self._server)
        return await asyncio.open_connection(*self._server)


def _address(written: str) -> str | tuple[str, int]:
    """Return a Unix socket's path, or a host and a port."""
    if written.startswith("unix://"):
        return written.removeprefix("unix://")
    host, _, port = written.removeprefix("redis://").partition("/")[0].rpartition(":")
    return host, int(port)


def _flags() -> argparse.ArgumentParser:
    flags = argparse.ArgumentParser(prog="", add_help=False, exit_on_error=False)
    for field in dataclasses.fields(Toxics):
        kind = int if field.name in ("average_size", "limit_data", "reset_peer") else float
        flags.add_argument(f"--{field.name.replace('_', '-')}", type=kind, default=field.default)
    flags.add_argument("--way", choices=("downstream", "upstream", "both"), default="downstream")
    return flags


def _obey(proxy: Proxy, told: argparse.Namespace) -> None:
    toxics = Toxics(
        **{field.name: getattr(told, field.name) for field in dataclasses.fields(Toxics)}
    )
    proxy.upstream = toxics if told.way in ("upstream", "both") else CLEAN
    proxy.downstream = toxics if told.way in ("downstream", "both") else CLEAN


def main() -> None:
    """Stand before a server until the standard input ends or Ctrl-C."""
    words = argparse.ArgumentParser(
        prog="python -m tests.faults.proxy",
        parents=[_flags()],
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    words.add_argument("--listen", required=True, metavar="ADDRESS")
    words.add_argument("--upstream", required=True, metavar="ADDRESS")
    told = words.parse_args()
    with Proxy(told.upstream, told.listen) as proxy, contextlib.suppress(KeyboardInterrupt):
        _obey(proxy, told)
        print(f"{proxy.url} -> {told.upstream}", flush=True)  # noqa: T201  a command line
        for line in sys.stdin:
            match line.strip():
                case "down":
                    proxy.down()
                case "up":
                    proxy.up()
                case flags:
                    try:
                        _obey(proxy, _flags().parse_args(shlex.split(flags)))
                    except argparse.ArgumentError as fault:
                        print(fault, file=sys.stderr, flush=True)  # noqa: T201  a command line


if __name__ == "__main__":
    main()
