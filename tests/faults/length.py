"""How long a fault lasts, and how much of it there is: three sizes of the same test."""

from dataclasses import dataclass
from typing import Literal

import pytest

type Name = Literal["short", "ci", "full"]


@dataclass(frozen=True)
class Length:
    """``short`` in `make test`, ``ci`` in `make faults`, ``full`` in `make faults ARGS=--full`."""

    name: Name = "short"

    def pick[T](self, *, short: T, ci: T, full: T) -> T:
        """Return the value for this length."""
        return {"short": short, "ci": ci, "full": full}[self.name]


LENGTH = pytest.StashKey[Length]()
"""Where the runner leaves its length for the fixture of that name."""
