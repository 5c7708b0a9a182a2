"""An answer that is ready to be sent, by whichever way its request came in."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Reply:
    """``headers`` are all but the server's own; ``closes`` tells that this ends the connection."""

    status: int
    headers: list[tuple[bytes, bytes]]
    body: bytes
    closes: bool
