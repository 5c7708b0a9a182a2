"""One call without a network: what is sent, how an answer is read, when it is sent again.

`Braid` and `AsyncBraid` differ in how they send and wait; all else is here.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from time import monotonic

import msgspec

from service.client.answered import Answered, timing_of
from service.client.errors import Refused, Unreachable
from service.client.retry import Retry, is_retried, retry_after
from service.http.wire import Problem

_encode = msgspec.json.Encoder().encode
_problem = msgspec.json.Decoder(Problem)


@dataclass(slots=True)
class Call[T]:
    """A request to ``path``, with what it is answered by; ``attempt`` is how often it was sent."""

    method: str
    path: str
    body: msgspec.Struct | None
    answer: type[T]
    timeout_s: float
    retry: Retry
    trace_context: Mapping[str, str]
    attempt: int = 0
    began: float = field(default_factory=monotonic)

    @property
    def content(self) -> bytes | None:
        """Return the body as it is sent."""
        return None if self.body is None else _encode(self.body)

    @property
    def headers(self) -> dict[str, str]:
        """Return the headers of its own: the server need not work for who has stopped waiting."""
        left_ms = max(1.0, min(self.left_s * 1e3, 10_000.0))
        told = {**self.trace_context, "x-deadline-ms": f"{left_ms:.0f}"}
        return told if self.body is None else {**told, "content-type": "application/json"}

    @property
    def left_s(self) -> float:
        """Return the seconds left of its time."""
        return self.timeout_s - (monotonic() - self.began)

    def read(self, status: int, headers: Mapping[str, str], content: bytes) -> Answered[T] | float:
        """Read an answer; a number instead of it are seconds after which to send again.

        Raises:
            Refused: the service said no, and would say so again.
        """
        if status < 300:
            answer = msgspec.json.decode(content, type=self.answer)
            timing = timing_of(headers.get("server-timing", ""))
            return Answered(answer, headers.get("x-request-id", ""), timing, self.attempt)
        if is_retried(status):
            pause_s = self.retry.pause_s(self.attempt, self.left_s, retry_after(headers))
            if pause_s is not None:
                return pause_s
        raise Refused(status, _told(status, content))

    def lost(self, fault: Exception) -> float:
        """Return after how many seconds to send again what was not answered.

        Raises:
            Unreachable: no more.
        """
        pause_s = self.retry.pause_s(self.attempt, self.left_s)
        if pause_s is None:
            raise Unreachable(
                f"{self.method} {self.path}: {fault or type(fault).__name__}"
            ) from fault
        return pause_s


def _told(status: int, content: bytes) -> Problem:
    """Read a problem document; a proxy's own error page is one in our words."""
    try:
        return _problem.decode(content)
    except msgspec.DecodeError:
        detail = content[:200].decode(errors="replace") or "no word why"
        return Problem("about:blank", "Not an answer of Braid", status, detail, "")
