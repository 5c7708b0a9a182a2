"""`braid` under a wall clock that a file moves: its first 8 bytes are seconds, a double.

python -m tests.faults.stepped FILE serve ...
"""

import mmap
import runpy
import struct
import sys
import time
from collections.abc import Callable
from pathlib import Path

DOUBLE = struct.Struct("d")


def step(file: Path, seconds: float) -> None:
    """Move the clock of the process that follows this file."""
    with file.open("r+b" if file.exists() else "w+b") as opened:
        opened.write(DOUBLE.pack(seconds))


def follow(file: Path) -> None:
    """Replace this process's wall clock; what is imported from now on knows no other."""
    with file.open("rb") as opened:
        moved = mmap.mmap(opened.fileno(), DOUBLE.size, access=mmap.ACCESS_READ)
    now: Callable[[], float] = time.time
    now_ns: Callable[[], int] = time.time_ns

    def stepped() -> float:
        return now() + float(DOUBLE.unpack(moved[:])[0])

    def stepped_ns() -> int:
        return now_ns() + int(DOUBLE.unpack(moved[:])[0] * 1e9)

    time.time, time.time_ns = stepped, stepped_ns


if __name__ == "__main__":
    follow(Path(sys.argv.pop(1)))
    runpy.run_module("service.cli", run_name="__main__", alter_sys=True)
