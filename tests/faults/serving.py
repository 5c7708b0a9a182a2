"""`braid serve` as a process of its own, to be killed, starved, and told a wrong time."""

import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from benchmarks.client import Connection
from benchmarks.servers import ROOT

SERVE = (sys.executable, "-m", "service.cli")
READY = b"GET /health/ready HTTP/1.1\r\nhost: localhost\r\n\r\n"


@contextmanager
def served(
    artifacts: Path,
    *flags: str,
    program: Sequence[str] = SERVE,
    stderr: IO[bytes] | None = None,
) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """Serve until the block ends, on a free port; enter with the process and its address."""
    environment = {**os.environ, "COLUMNS": "200", "PYTHONUNBUFFERED": "1"}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)  # a restart finds what was compiled before
    flags = ("--artifact", str(artifacts), *flags)
    command = [*program, "serve", *(() if "--port" in flags else ("--port", "0")), *flags]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=stderr, text=True, env=environment, cwd=ROOT
    ) as served:
        assert served.stdout is not None
        try:
            for line in served.stdout:
                if found := re.search(r"Serving \S+ on (http://\S+)", line):
                    yield served, found[1]
                    break
            else:
                raise AssertionError("it never served")
        finally:
            served.kill()


def await_ready(port: int, within_s: float = 60.0) -> None:
    """Return as soon as ``/health/ready`` is a 200."""
    end = time.monotonic() + within_s
    while True:
        try:
            connection = Connection(("127.0.0.1", port))
            try:
                if connection.ask(READY).status == 200:
                    return
            finally:
                connection.close()
        except OSError:
            pass
        assert time.monotonic() < end, "it never was ready"
        time.sleep(0.005)
