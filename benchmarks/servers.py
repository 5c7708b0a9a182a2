"""Servers under test: started, asked until they answer, weighed, stopped."""

import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from benchmarks.client import Address, Connection, good

ROOT = Path(__file__).resolve().parents[1]
PEER_PYTHON = ROOT / ".venv-bench" / "bin" / "python"
GIL_PYTHON = ROOT / ".venv-gil" / "bin" / "python"
START_TIMEOUT_S = 240.0  # the first start of a clone compiles, at worst beside others that do
TICKS_PER_S = os.sysconf("SC_CLK_TCK")
MIB = 2**20


@dataclass(frozen=True, slots=True)
class Server:
    """A server process, with the processes it started."""

    name: str
    pid: int
    address: Address

    def cpu_s(self) -> float:
        """Return the CPU seconds it has used, in all its processes that live."""
        return sum(_cpu_s(pid) for pid in family(self.pid))

    def memory_mib(self) -> dict[str, float]:
        """Return resident memory: as each process counts it, and with shared pages split (PSS)."""
        totals = {"rss": 0, "pss": 0}
        for pid in family(self.pid):
            with suppress(OSError):
                rollup = Path(f"/proc/{pid}/smaps_rollup").read_text()
                for name in totals:
                    found = re.search(rf"^{name}:\s+(\d+) kB", rollup, re.MULTILINE | re.IGNORECASE)
                    totals[name] += int(found[1]) * 1024 if found else 0
        return {name: round(total / MIB, 1) for name, total in totals.items()}


def free_port() -> int:
    """Return a port that nobody listens on right now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def serving(
    name: str,
    command: Sequence[str],
    port: int,
    probe: bytes,
    log: Path,
    environment: Mapping[str, str] | None = None,
) -> Iterator[Server]:
    """Run a server until the block ends; enter it when the server answers ``probe`` well.

    Raises:
        RuntimeError: it did not come up; the message has its last words.
    """
    with log.open("w+") as words:
        process = subprocess.Popen(
            command,
            cwd=ROOT,
            env={**os.environ, **(environment or {})},
            stdin=subprocess.DEVNULL,
            stdout=words,
            stderr=words,
            start_new_session=True,
        )
        try:
            _await(name, process, ("127.0.0.1", port), probe, words)
            yield Server(name, process.pid, ("127.0.0.1", port))
        finally:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGTERM)
            try:
                process.wait(15)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()


def braid(
    port: int, *flags: str, variant: str | None = None, python: str | Path = sys.executable
) -> list[str]:
    """Return the command that serves Braid, or a variant of it."""
    program = ["benchmarks.variants", variant] if variant else ["service.cli"]
    return [str(python), "-m", *program, "serve", "--port", str(port), *flags]


def peer(port: int, *flags: str) -> list[str]:
    """Return the command that serves the peers' app as uvicorn's documentation says is fastest."""
    options = ["--loop", "uvloop", "--http", "httptools", "--no-access-log"]
    options += ["--log-level", "warning", "--port", str(port), *flags]
    return [str(PEER_PYTHON), "-m", "uvicorn", "benchmarks.peers.app:create", "--factory", *options]


def family(pid: int) -> list[int]:
    """Return a process and all that descend from it."""
    found = [pid]
    for parent in found:  # it grows while we walk it
        with suppress(OSError):
            for thread in Path(f"/proc/{parent}/task").iterdir():
                with suppress(OSError):
                    found += map(int, (thread / "children").read_text().split())
    return found


def _cpu_s(pid: int) -> float:
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) / TICKS_PER_S


def _await(
    name: str, process: subprocess.Popen[bytes], address: Address, probe: bytes, words: IO[str]
) -> None:
    deadline = time.monotonic() + START_TIMEOUT_S
    answer = b""
    while time.monotonic() < deadline and process.poll() is None:
        with suppress(OSError):
            with closing(Connection(address)) as connection:
                reply = connection.ask(probe)
            if good(reply):
                return
            answer = reply.body
        time.sleep(0.05)
    words.seek(0)
    raise RuntimeError(f"{name} did not come up: {answer[:300]!r} {words.read()[-1500:]}")
