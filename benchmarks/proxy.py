"""HAProxy in front of replicas, with the file that the stack mounts.

Only its addresses are others, and it has room for fewer connections: for each it wants two
descriptors, and ends where the system grants less.
"""

import csv
import io
import re
import shutil
import subprocess
import time
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks.client import Address
from benchmarks.servers import ROOT, free_port

CONFIGURATION = ROOT / "deploy" / "haproxy" / "haproxy.cfg"
MOST_CONNECTIONS = 256
WITHIN_S = 30.0
PROGRAM = shutil.which("haproxy")
MISSING = "no haproxy here (on Debian: apt-get install haproxy)"


@dataclass(frozen=True)
class Proxy:
    """Where it listens, where it tells of itself, and its process."""

    address: Address
    health: Address
    pid: int

    def replicas(self) -> list[dict[str, str]]:
        """Return HAProxy's statistics of each replica, in order (its manual, section 9.1)."""
        page = _get(self.health, "/;csv").removeprefix("# ")
        rows = csv.DictReader(io.StringIO(page))
        ready = [row for row in rows if row["pxname"] == "replicas"]
        return [row for row in ready if re.fullmatch(r"braid\d+", row["svname"])]

    def up(self) -> list[bool]:
        """Return whether each replica gets requests."""
        return [row["status"].startswith("UP") for row in self.replicas()]

    def served(self) -> list[int]:
        """Return how many requests each replica got so far."""
        return [int(row["stot"]) for row in self.replicas()]


def addressed(configuration: str, port: int, health: int, replicas: Sequence[Address]) -> str:
    """Return the file with addresses of this machine in place of those of the stack."""
    servers = "\n".join(
        f"    server braid{number} {host}:{replica}"
        for number, (host, replica) in enumerate(replicas, start=1)
    )
    for wanted, instead in (
        (r"bind :8000\b", f"bind 127.0.0.1:{port}"),
        (r"bind :8404\b", f"bind 127.0.0.1:{health}"),
        (r"(?m)^ *server-template .*$", servers),
        (r"(?m)^    maxconn 20000$", f"    maxconn {MOST_CONNECTIONS}"),
    ):
        configuration, found = re.subn(wanted, instead, configuration)
        assert found, f"{wanted} is not there"
    return configuration


@contextmanager
def proxied(folder: Path, replicas: Sequence[Address]) -> Iterator[Proxy]:
    """Run HAProxy until the block ends; enter when every replica is up.

    Raises:
        RuntimeError: there is no HAProxy here, or it ended; the message has its last words.
    """
    if PROGRAM is None:
        raise RuntimeError(MISSING)
    port, health = free_port(), free_port()
    file = folder / "haproxy.cfg"
    file.write_text(addressed(CONFIGURATION.read_text(), port, health, replicas))
    with (folder / "haproxy.log").open("wb") as log:
        process = subprocess.Popen([PROGRAM, "-db", "-f", str(file)], stdout=log, stderr=log)
        proxy = Proxy(("127.0.0.1", port), ("127.0.0.1", health), process.pid)
        try:
            latest = time.monotonic() + WITHIN_S
            while not (up := proxy.up()) or not all(up):
                if process.poll() is not None or time.monotonic() > latest:
                    raise RuntimeError(f"HAProxy: {(folder / 'haproxy.log').read_text()[-1500:]}")
                time.sleep(0.01)
            yield proxy
        finally:
            process.terminate()
            process.wait()


def _get(at: Address, path: str) -> str:
    """Return a page; nothing where there is none yet."""
    try:
        with urllib.request.urlopen(f"http://{at[0]}:{at[1]}{path}", timeout=5) as page:
            told: bytes = page.read()
            return told.decode()
    except OSError:
        return ""
