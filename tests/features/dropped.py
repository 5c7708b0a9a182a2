"""What redis-py leaves to the garbage collection when a node goes."""

import gc
import warnings

import pytest

UNCLOSED = pytest.mark.filterwarnings("ignore:unclosed <socket:ResourceWarning")
"""For tests in which nodes go: a client of a cluster drops what it had of them, unclosed."""


def drop_quietly() -> None:
    """Collect it now, without a word, rather than in the middle of another test."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        gc.collect()
