"""How much memory there is for an artifact."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Final

TEXT_GROWS: Final = 8
"""What text takes when it is read: a short property is an object, and a reference to it."""
SHARE: Final = 2
"""An artifact may take the half: the one that is served meanwhile has the other."""

_CGROUP: Final = Path("/sys/fs/cgroup/memory.max")


def needed(sizes: Mapping[str, int]) -> int:
    """Return about how many bytes it takes to read files of these sizes, by their names."""
    return sum(size if name.endswith(".npy") else TEXT_GROWS * size for name, size in sizes.items())


def room() -> int:
    """Return how many bytes one artifact may take, of what this process is granted."""
    machine = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    try:
        granted = int(_CGROUP.read_text())
    except OSError, ValueError:  # no such group, or "max"
        granted = machine
    return min(machine, granted) // SHARE
