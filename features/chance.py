"""Chance of the store's own, which nobody else seeds or draws from."""

from random import Random
from typing import Final

CHANCE: Final = Random()  # noqa: S311  spreads load in place and time, no secret
"""Draws pauses and nodes, in any thread.

Not the module's: a scorer of the user's that seeds `random` would have all replicas draw the same.
"""
