"""Which requests are looked at more closely: a share of all, by their ids alone."""

from typing import NamedTuple, Self


class Sample(NamedTuple):
    """A share of all ids, the same wherever it is taken: those of a smaller one are in a larger.

    OpenTelemetry's TraceIdRatioBased (Trace SDK, "Sampler"): the low 64 bits, which are random.
    """

    below: int

    @classmethod
    def of(cls, share: float) -> Self:
        """Take a share from 0 to 1."""
        return cls(round(share * 2**64))

    def has(self, hex_id: str) -> bool:
        """Tell whether an id of 32 hexadecimal digits belongs to it."""
        return int(hex_id[16:], 16) < self.below
