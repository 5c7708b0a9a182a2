"""A Redis or Valkey that may be killed, stopped, and started again with what it had."""

import os
import signal
import subprocess
import time
from pathlib import Path
from types import TracebackType
from typing import Self

import redis

from service.embedded import server_program

START_TIMEOUT_S = 20.0


class Durable:
    """A server at one address, with an append-only file that it syncs as ``fsync`` says."""

    def __init__(self, folder: Path, port: int = 0, fsync: str = "always") -> None:
        self._folder = folder
        self._port = port
        self._socket = folder / "redis.sock"
        self._fsync = fsync
        self._server: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """Return the address to give to a client."""
        return f"redis://127.0.0.1:{self._port}" if self._port else f"unix://{self._socket}"

    def start(self) -> float:
        """Start it; return when it first answered, in monotonic seconds."""
        settings = {
            "port": self._port,
            "bind": "127.0.0.1",
            "unixsocket": self._socket,
            "dir": self._folder,
            "appendonly": "yes",
            "appendfsync": self._fsync,
            "logfile": self._folder / "redis.log",
        }
        options = [word for name, value in settings.items() for word in (f"--{name}", str(value))]
        self._server = subprocess.Popen([server_program(), *options, "--save", ""])
        deadline = time.monotonic() + START_TIMEOUT_S
        with redis.Redis.from_url(self.url) as client:
            while time.monotonic() < deadline:
                try:
                    client.ping()
                    return time.monotonic()
                except redis.RedisError:
                    time.sleep(0.001)
        raise AssertionError((self._folder / "redis.log").read_text()[-500:])

    def kill(self) -> None:
        """SIGKILL it; nothing is written any more, and connections break."""
        if self._server is not None:
            self._server.kill()
            self._server.wait()
            self._server = None

    def suspend(self) -> None:
        """SIGSTOP it: connections stay, and new ones are even accepted, by the kernel."""
        self._signal(signal.SIGSTOP)

    def resume(self) -> None:
        """Let it go on."""
        self._signal(signal.SIGCONT)

    def _signal(self, number: signal.Signals) -> None:
        assert self._server is not None
        os.kill(self._server.pid, number)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        fault: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.kill()
