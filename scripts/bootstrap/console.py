"""What set-up says, and how it shows that something long goes on.

Everything goes to stderr: stdout belongs to the program that set-up is for.
"""

from __future__ import annotations

import sys
import time
from collections import deque
from subprocess import PIPE, STDOUT, Popen
from typing import IO, TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path


class Stop(Exception):
    """Set-up cannot go on: the message says why, and what the user can do."""


class Unavailable(Exception):
    """One way does not work on this machine: the message says why, and the next is tried."""


def say(text: str) -> None:
    """Print one line of news."""
    print(f"set-up: {text}", file=sys.stderr, flush=True)


def warn_loudly(text: str) -> None:
    """Print a warning that nobody overlooks."""
    bar = "!" * 78
    print(f"\n{bar}\n{text}\n{bar}\n", file=sys.stderr, flush=True)


class Progress:
    """One line that is rewritten on a terminal, and repeated every 15 s elsewhere."""

    def __init__(self, label: str, total: int = 0) -> None:
        self._label, self._total, self._done = label, total, 0
        self._start = self._shown = time.monotonic()
        self._terminal = sys.stderr.isatty()

    def advance(self, steps: int = 1) -> None:
        """Count steps, and show where we are if it is time to."""
        self._done += steps
        now = time.monotonic()
        if now - self._shown >= (0.2 if self._terminal else 15):
            self._shown = now
            self._print(end="\r" if self._terminal else "\n")

    def close(self) -> None:
        """Show the end state on a line that stays."""
        if self._total:
            self._done = self._total
        self._print(end="\n")

    def _print(self, end: str) -> None:
        seconds = time.monotonic() - self._start
        share = ""
        if self._total:
            filled = min(20, 20 * self._done // self._total)
            share = f" [{'#' * filled}{'.' * (20 - filled)}]"
        print(f"set-up: {self._label:<12}{share} {seconds:4.0f} s", end=end, file=sys.stderr)
        sys.stderr.flush()


def run_step(
    label: str,
    command: Sequence[str],
    *,
    cwd: Path,
    log: IO[str],
    counted: str = "",
    total: int = 0,
) -> None:
    """Run a long command with its output in a log and its progress on the terminal.

    Lines that contain ``counted`` advance the bar towards ``total``.
    Raises Unavailable with the last lines of output if the command fails.
    """
    last: deque[str] = deque(maxlen=12)
    progress = Progress(label, total)
    with Popen(command, cwd=cwd, stdout=PIPE, stderr=STDOUT, text=True, errors="replace") as child:
        for line in child.stdout or ():
            log.write(line)
            last.append(line.rstrip())
            progress.advance(counted in line)
    if child.returncode != 0:
        tail = "\n    ".join(last)
        raise Unavailable(f"{label} failed (log: {log.name})\n    {tail}")
    progress.close()
