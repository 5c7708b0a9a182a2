"""A request's place among the spans of other services, by W3C Trace Context."""

import msgspec


class Link(msgspec.Struct, gc=False):
    """Ids in lower-case hexadecimal digits; ``parent_id`` is None where the trace begins here.

    ``span_id`` is empty as long as nobody has a use for it.
    ``sampled`` says that somebody wants this trace whole, ``state`` is the caller's `tracestate`,
    and ``exported`` that spans of this request were taken for export.
    """

    trace_id: str
    span_id: str
    parent_id: str | None
    sampled: bool
    state: str = ""
    exported: bool = False

    def header(self) -> bytes:
        """Return the value of a `traceresponse` header (W3C Trace Context Level 2, section 4)."""
        return f"00-{self.trace_id}-{self.span_id}-{self.sampled:02x}".encode()
