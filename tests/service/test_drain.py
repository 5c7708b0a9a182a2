"""The process asked to end, and killed: nothing accepted is dropped, nothing is left behind."""

import http.client
import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

from service.embedded import EmbeddedValkey

CLIENTS = 8


@contextmanager
def served(artifacts: Path, *flags: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """`braid serve` as a process of its own, and its address."""
    command = [
        sys.executable,
        "-m",
        "service.cli",
        "serve",
        "--port",
        "0",
        "--artifact",
        str(artifacts),
    ]
    process = subprocess.Popen(
        [*command, *flags],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "COLUMNS": "200", "PYTHONUNBUFFERED": "1"},
    )
    assert process.stdout is not None
    try:
        for line in process.stdout:
            if found := re.search(r"Serving \S+ on (http://\S+)", line):
                yield process, found[1]
                break
        else:
            raise AssertionError("it never served")
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


def ask_until_refused(url: str, answered: list[int], dropped: list[str]) -> None:
    """Post one request after the other; end when connections are refused."""
    address = urlsplit(url)
    body = json.dumps({"user_id": "196", "limit": 5})
    connection: http.client.HTTPConnection | None = None
    while True:
        if connection is None:
            connection = http.client.HTTPConnection(
                address.hostname or "", address.port, timeout=30
            )
            try:
                connection.connect()
            except ConnectionRefusedError:
                return
        try:
            connection.request(
                "POST", "/v1/recommendations", body, {"content-type": "application/json"}
            )
            response = connection.getresponse()
            response.read()
            answered.append(response.status)
        except (OSError, http.client.HTTPException) as fault:
            dropped.append(repr(fault))
            return
        if response.will_close:
            connection.close()
            connection = None


def test_sigterm_under_load_drops_no_accepted_request(
    artifacts: Path, filled: EmbeddedValkey
) -> None:
    with served(artifacts, "--redis", filled.url) as (process, url):
        answered: list[int] = []
        dropped: list[str] = []
        clients = [
            threading.Thread(target=ask_until_refused, args=(url, answered, dropped))
            for _ in range(CLIENTS)
        ]
        for client in clients:
            client.start()
        while len(answered) < 100:
            time.sleep(0.01)
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=30) == 0
        for client in clients:
            client.join()
    assert not dropped
    assert set(answered) == {200}


def test_a_killed_service_leaves_no_valkey_behind(artifacts: Path) -> None:
    with served(artifacts) as (process, _):
        servers = descendants(process.pid)
        assert len(servers) >= 2, "the watcher and the server"
        process.kill()
        process.wait()
        deadline = time.monotonic() + 10
        while any(alive(pid) for pid in servers):
            assert time.monotonic() < deadline, "a Valkey outlived its service"
            time.sleep(0.01)


def alive(pid: int) -> bool:
    """Tell whether a process runs; a zombie, whose parent has not looked yet, does not."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2].split()[0]
    except OSError:
        return False
    return state != "Z"


def descendants(ancestor: int) -> list[int]:
    """Return the processes that descend from one, by way of /proc."""
    parents: dict[int, int] = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            parents[int(stat.parent.name)] = int(stat.read_text().rpartition(") ")[2].split()[1])
        except OSError:
            continue
    found = [ancestor]
    for process in found:
        found += [child for child, parent in parents.items() if parent == process]
    return found[1:]
