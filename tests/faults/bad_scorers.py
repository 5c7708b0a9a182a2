"""Scorers, sources and re-rankers as nobody should write them."""

import time
from typing import Any

import numpy as np

SLEEP_S = 1.0

type Items = dict[str, list[float]]


def _count(items: Items) -> int:
    return len(items[next(iter(items))])


def raises(_user: dict[str, float], _items: Items) -> list[float]:
    """Fail."""
    raise RuntimeError("this scorer is broken on purpose")


def too_few(_user: dict[str, float], items: Items) -> list[float]:
    """Forget one."""
    return [0.0] * (_count(items) - 1)


def words(_user: dict[str, float], items: Items) -> Any:
    """Answer with what is no number."""
    return ["good"] * _count(items)


def an_array(_user: dict[str, float], items: Items) -> Any:
    """Answer with an array of another type, which is no list of floats."""
    return np.zeros(_count(items), np.int64)


def half_nan(_user: dict[str, float], items: Items) -> list[float]:
    """Know nothing of every second candidate."""
    return [float("nan") if place % 2 else float(place) for place in range(_count(items))]


def loops(_user: dict[str, float], _items: Items) -> list[float]:
    """Never come back, in Python."""
    while True:
        pass


def sleeps(_user: dict[str, float], items: Items) -> list[float]:
    """Come back late, from where nobody can be struck."""
    time.sleep(SLEEP_S)
    return [0.0] * _count(items)


def counts(_user: dict[str, float], items: Items) -> list[float]:
    """Stay in one C call for about as long."""
    stop = time.monotonic() + SLEEP_S
    while time.monotonic() < stop:
        sum(range(30_000_000))
    return [0.0] * _count(items)


def loops_as_source(*_: Any) -> Any:
    """Never come back, in Python."""
    while True:
        pass


def loops_as_reranker(*_: Any) -> list[int]:
    """Never come back, in Python."""
    while True:
        pass
