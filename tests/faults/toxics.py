"""What a proxy does to the bytes of one direction, by the names that Toxiproxy gave."""

from dataclasses import dataclass
from random import Random


@dataclass(frozen=True, kw_only=True)
class Toxics:
    """All of them at once; none is on by default. The same values make the same trouble."""

    latency: float = 0
    """Milliseconds that every packet is delayed by."""

    jitter: float = 0
    """Milliseconds more or less, evenly drawn; the order is kept."""

    rate: float = 0
    """Kilobytes a second that go through; 0 is no bound."""

    average_size: int = 0
    """Bytes of each slice that packets are cut into; 0 leaves them whole."""

    delay: float = 0
    """Microseconds between two slices."""

    limit_data: int | None = None
    """Bytes from now on that go through before a connection is closed, in the midst of a packet."""

    reset_peer: int | None = None
    """The same with a reset (RST) in place of an orderly end; Unix sockets know only the end."""

    timeout: float | None = None
    """Milliseconds of a silence that ends with the connection; 0 lasts as long as this is set."""

    def delay_s(self, random: Random) -> float:
        """Draw how long a packet waits, in seconds."""
        return max(0.0, self.latency + random.uniform(-self.jitter, self.jitter)) / 1e3

    def pause_s(self, size: int) -> float:
        """Return the seconds after a slice of ``size`` bytes."""
        return self.delay / 1e6 + (size / (self.rate * 1e3) if self.rate else 0)

    def left(self, passed: int) -> int | None:
        """Return how many bytes may still go through after ``passed``; None is any number."""
        limits = [limit for limit in (self.limit_data, self.reset_peer) if limit is not None]
        return max(0, min(limits) - passed) if limits else None


CLEAN = Toxics()
