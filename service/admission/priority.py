"""Whose turn it is when not everybody can be served."""

from enum import IntEnum


class Priority(IntEnum):
    """Higher goes first: someone waits for a live answer, a bulk one can be asked for again."""

    BULK = 0
    LIVE = 1
