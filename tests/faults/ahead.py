"""Processes that go before everything else here, so that a bar of time is not the neighbours'."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

MOST, USUAL = "-20", "0"


@contextmanager
def ahead(*pids: int) -> Iterator[None]:
    """Put the sessions of these processes, and our own, before all others while the block lasts.

    By the nice value of their scheduling group (autogroup, sched(7)): a process's own nice counts
    within its session only. Where that cannot be had, nothing is done.
    """
    groups = [Path(f"/proc/{pid}/autogroup") for pid in ("self", *pids)]
    _write(groups, MOST)
    try:
        yield
    finally:
        _write(groups, USUAL)


def _write(groups: list[Path], value: str) -> None:
    for group in groups:
        with suppress(OSError):
            group.write_text(value)
