"""A scorer that fails every request, and so has a trace in the log each time."""

import threading


def score(user: dict[str, float], items: dict[str, list[float]]) -> list[float]:
    """Score only while the service starts, on the thread that starts it."""
    if threading.current_thread() is threading.main_thread():
        return items["source.popularity"]
    raise RuntimeError("a trace of some length " + "x" * 200)
