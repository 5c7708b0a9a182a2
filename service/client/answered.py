"""An answer, and what its headers told."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Answered[T]:
    """``timing`` are the server's stages in milliseconds (`Server-Timing`), ``total`` the last.

    ``attempts`` counts how often it was sent.
    """

    answer: T
    request_id: str
    timing: dict[str, float]
    attempts: int


def timing_of(header: str) -> dict[str, float]:
    """Read a `Server-Timing` header (W3C): durations by name; what has none is left out."""
    found = dict[str, float]()
    for metric in header.split(","):
        name, *parameters = (part.strip() for part in metric.split(";"))
        for parameter in parameters:
            key, _, value = parameter.partition("=")
            if key == "dur":
                found[name] = float(value)
    return found
