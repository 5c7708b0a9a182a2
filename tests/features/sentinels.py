"""A primary, its replica, and three sentinels that watch them: real servers on loopback."""

import os
import signal
import subprocess
import tempfile
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from redis import Redis, RedisError

from service.embedded import WATCHER, EmbeddedValkey, server_program
from tests.features.cluster import ATTEMPTS, NO_RETRY, free_port
from tests.features.dropped import drop_quietly
from tests.features.shelves import until

SERVICE = "braid"
SENTINELS = 3
DOWN_AFTER_MS = 500
SETTINGS = f"""
sentinel monitor {SERVICE} 127.0.0.1 %d 2
sentinel down-after-milliseconds {SERVICE} {DOWN_AFTER_MS}
sentinel failover-timeout {SERVICE} 2000
sentinel parallel-syncs {SERVICE} 1
"""


class Sentinels:
    """Ready when the block begins: all sentinels know of each other and of the replica."""

    def __init__(self) -> None:
        self.ports = [free_port() for _ in range(2)]
        self.sentinel_ports: list[int] = []
        self.clients: list[Redis] = []
        self._servers = [
            EmbeddedValkey(port, {"repl-diskless-sync-delay": "0", "repl-timeout": "3"})
            for port in self.ports
        ]
        self._sentinels: list[Redis] = []
        self._stack = ExitStack()

    @property
    def url(self) -> str:
        """Return the address to give to a client."""
        hosts = ",".join(f"127.0.0.1:{port}" for port in self.sentinel_ports)
        return f"redis+sentinel://{hosts}/{SERVICE}"

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            for server in self._servers:
                stack.enter_context(server)
                self.clients.append(stack.enter_context(Redis.from_url(server.url, retry=NO_RETRY)))
            self.clients[1].replicaof("127.0.0.1", str(self.ports[0]))
            until(lambda: self.clients[1].info("replication")["master_link_status"] == "up")
            for _ in range(ATTEMPTS * SENTINELS):
                if len(self._sentinels) < SENTINELS:
                    self._start(free_port(), stack)
            assert len(self._sentinels) == SENTINELS, "sentinels do not start"
            until(self._all_know_all)
            self._stack = stack.pop_all()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        fault: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stack.close()
        drop_quietly()

    def primary(self) -> int:
        """Return the place of the server that most sentinels call the primary."""
        ports = [int(self._ask(one, "GET-MASTER-ADDR-BY-NAME")[1]) for one in self._sentinels]
        return self.ports.index(max(ports, key=ports.count))

    def fail_over(self) -> None:
        """Have the primary and the replica change places; return when it is asked for."""
        self._ask(self._sentinels[0], "FAILOVER")

    def is_done(self, before: int) -> bool:
        """Tell whether another server is the primary, and the former one knows, or is dead.

        What it confirms in between is lost with its role: replication does not wait.
        """
        if self.primary() == before:
            return False
        try:
            return str(self.clients[before].info("replication")["role"]) == "slave"
        except RedisError:
            return True

    def kill(self, place: int) -> None:
        """End a server by SIGKILL."""
        os.kill(int(self.clients[place].info("server")["process_id"]), signal.SIGKILL)

    def _ask(self, sentinel: Redis, word: str) -> Any:
        return sentinel.execute_command("SENTINEL", word, SERVICE)  # type: ignore[no-untyped-call]  # redis-py's

    def _all_know_all(self) -> bool:
        try:
            return all(
                len(self._ask(one, "SENTINELS")) == 2 and len(self._ask(one, "REPLICAS")) == 1
                for one in self._sentinels
            )
        except RedisError:
            return False

    def _start(self, port: int, stack: ExitStack) -> None:
        """Start one more, or none where somebody took the port since it was found free."""
        folder = Path(tempfile.mkdtemp(prefix="braid-sentinel-"))
        settings = folder / "sentinel.conf"
        settings.write_text(
            f"port {port}\nbind 127.0.0.1\ndir {folder}\n{SETTINGS % self.ports[0]}"
        )
        words = [server_program(), str(settings), "--sentinel"]
        # It ends with this process, as an embedded server does.
        watcher = subprocess.Popen(
            ["/bin/sh", "-c", WATCHER, "braid-sentinel-watcher", str(folder), *words],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        assert watcher.stdin is not None
        stack.callback(watcher.wait)
        stack.callback(watcher.stdin.close)
        client = Redis(port=port, retry=NO_RETRY)
        stack.callback(client.close)
        until(lambda: watcher.poll() is not None or _answers(client))
        if watcher.poll() is None:
            self.sentinel_ports.append(port)
            self._sentinels.append(client)


def _answers(sentinel: Redis) -> bool:
    try:
        return bool(sentinel.ping())
    except RedisError:
        return False
