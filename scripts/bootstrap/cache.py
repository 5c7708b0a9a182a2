"""~/.cache/braid, and locks between set-ups that run at once."""

from __future__ import annotations

import fcntl
import os
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from .console import Stop, say

if TYPE_CHECKING:
    from collections.abc import Iterator


def folder() -> Path:
    """Return the folder for what is made once per user, creating it if need be."""
    path = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "braid"
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise Stop(f"{path} cannot be made ({error}); set XDG_CACHE_HOME elsewhere") from error
    return path


@contextmanager
def exclusive(path: Path) -> Iterator[None]:
    """Hold the folder ``path`` alone among set-ups; wait, and say so, while another has it.

    The lock is the kernel's and lies on the folder itself: it leaves no file behind and
    ends with its holder, however that one ends.
    """
    descriptor = os.open(path, os.O_RDONLY)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say(f"another set-up is at work in {path}; waiting for it")
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)
