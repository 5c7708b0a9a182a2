"""A scorer that only ever raises, and has a trace in the log each time."""


def score(user: dict[str, float], items: dict[str, list[float]]) -> list[float]:
    """Fail."""
    raise RuntimeError("a trace of some length " + "x" * 200)
