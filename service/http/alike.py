"""Whether a request is like another one but for its body, told without parsing it."""

import re
from typing import Final

_LENGTH: Final = re.compile(rb"\r\ncontent-length: ([0-9]{1,7})\r\n", re.IGNORECASE)
_END: Final = b"\r\n\r\n"


def likeness(piece: bytes) -> bytes | None:
    """Return the head of a request without the digits of its length.

    What has the same likeness as a request that the parser took means the same, down to the last
    byte of its head: other digits for the length, and another body of that length.

    Args:
        piece: what was read at once, from between two requests.

    Returns:
        None where it is not one whole request whose length is told.
    """
    end = piece.find(_END) + len(_END)
    length = _LENGTH.search(piece, 0, end)
    if length is None or len(piece) != end + int(length[1]):
        return None
    return piece[: length.start(1)] + _END + piece[length.end(1) : end]
