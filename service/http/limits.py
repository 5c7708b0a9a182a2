"""How much a connection may take, of what a client can make too large, too long or too slow.

Those that an operator has a reason to set are settings; the others are here, with their reason.
"""

from dataclasses import dataclass
from typing import Final

# What proxies take: nginx 8 KiB for a line and 32 KiB for all, Apache 100 headers.
LARGEST_HEAD_BYTES: Final = 32 * 1024
LONGEST_TARGET_BYTES: Final = 8 * 1024
MOST_HEADERS: Final = 100

# Bytes parsed at once: as soon as a request waits behind another, no more are. The loop reads
# 256 KiB at a time, which are thousands of the smallest requests, of 3 KiB each when parsed.
SLICE: Final = 24 * 1024
MOST_WAITING: Final = 256

# A body has the patience, and a second more for each of these: 1 MiB in 74 s, and a modem in time.
LEAST_BYTES_PER_S: Final = 16 * 1024

# A client that is still sending when the connection closes never sees the answer; so what it sends
# is read on to this many times the largest body, and thrown away.
DISCARDED: Final = 32
LINGER_S: Final = 10.0
# After each piece of it, a quarter of a megabyte: the loop would read 32 of them in one go. At 5 ms
# two clients with ten megabytes each cost the p99 of others a quarter, at 20 ms 6 to 18 %.
BREATHER_S: Final = 0.02

# An answer is written at once; a client that takes so long to read it is not reading.
UNREAD_S: Final = 30.0

# With so much of the room taken, idle connections make room for others.
CROWDED: Final = 0.9
CROWDED_IDLE_S: Final = 1.0


@dataclass(frozen=True, slots=True)
class Limits:
    """``patience_s`` is for a whole request, ``idle_s`` between two of a connection."""

    connections: int
    largest_body_bytes: int
    patience_s: float
    idle_s: float

    @property
    def most_bytes(self) -> int:
        """Return what is read of one request, whatever it is."""
        return DISCARDED * self.largest_body_bytes
