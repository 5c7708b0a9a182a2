"""An answer that is ready to be sent, by whichever way its request came in."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from uvicorn.protocols.http.httptools_impl import STATUS_LINE

type HeaderLines = Sequence[tuple[bytes, bytes]]


@dataclass(frozen=True, slots=True)
class Reply:
    """``headers`` are all but the server's own; ``closes`` tells that this ends the connection.

    ``behind`` is what nobody needs any more and what takes time to free, a thousand strings of a
    request, say: it goes with the reply, when that has been sent.
    """

    status: int
    headers: list[tuple[bytes, bytes]]
    body: bytes
    closes: bool
    behind: list[object] = field(default_factory=list)

    def on_the_wire(self, of_server: HeaderLines, *, last: bool = False) -> bytes:
        """Return the whole answer; ``last`` says that none follows where the headers do not."""
        parts = [STATUS_LINE[self.status]]
        for name, value in (*of_server, *self.headers):
            parts += (name, b": ", value, b"\r\n")
        if last and not self.closes:
            parts.append(b"connection: close\r\n")
        parts += (b"\r\n", self.body)
        return b"".join(parts)
