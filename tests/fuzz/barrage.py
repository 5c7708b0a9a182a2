"""A great many requests on a few connections, each of which must be answered.

    python -m tests.fuzz.barrage URL [COUNT] [SEED]

Framed as HTTP has it, several behind each other, with bodies of `tests.fuzz.bodies` and paths that
lead anywhere; so it is known how many answers must come, and in which order they were asked for.
"""

import contextlib
import json
import random
import sys
import time
from collections import Counter, deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from tests.fuzz.bodies import Bodies
from tests.fuzz.wire import Answer, Wire

CONNECTIONS: Final = 4
TOGETHER: Final = (1, 1, 2, 8, 24)
LONGEST_S: Final = 15.0
PATHS: Final = (
    "/", "/health/live", "/health/ready", "/schema/openapi.json", "/v1/models", "/v1/requests",
    "/v1/requests?order=slow&limit=5", "/v1/experiments", "/v1/rank", "/v1/items", "/schema",
)  # fmt: skip
CHARACTERS: Final = (
    "%00", "%ff", "%c3%28", "%2e%2e/", "../", "//", "/./", ";", "?", "&", "=", "limit=-1",
    "limit=1e9", "order=x", "%", "%zz", "%0d%0a", "{}", "'", '"', "<x>", "|", "^", "`", "~",
    ":", "@", "a" * 300, "assets/", "\\",
)  # fmt: skip
METHODS: Final = ("GET", "HEAD", "OPTIONS", "PATCH", "DELETE", "PUT", "POST", "TRACE", "PROPFIND")
HEADERS: Final = (
    b"x-deadline-ms: 50\r\n", b"x-deadline-ms: nan\r\n", b"accept: */*\r\n", b"x: \xff\r\n",
    b"cookie: a=b\r\n", b"authorization: Bearer x\r\n", b"authorization: \r\n",
    b"accept-encoding: gzip\r\n", b"range: bytes=0-1\r\n", b"if-none-match: *\r\n",
    b"if-modified-since: x\r\n", b"x-forwarded-for: a\r\n", b"origin: null\r\n",
    b"access-control-request-method: GET\r\n", b"content-type: text/plain\r\n",
    b"content-type: \xff/;\r\n", b"content-type: application/json;charset=latin-1\r\n",
    b"te: trailers\r\n", b"connection: keep-alive\r\n",
)  # fmt: skip
BAD: Final = frozenset((500, 501, 502, 504))


@dataclass
class Toll:
    """What came of it; ``faults`` are requests with an answer that none may have."""

    statuses: Counter[int] = field(default_factory=Counter)
    hangs: int = 0
    resets: int = 0
    faults: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        counts = ", ".join(f"{status}: {count}" for status, count in sorted(self.statuses.items()))
        return f"{counts}; {self.hangs} hangs, {self.resets} resets, {len(self.faults)} faults"


def barrage(url: str, count: int, seed: int) -> Toll:
    """Send ``count`` requests from one thread, and read every answer."""
    toll, bodies = Toll(), Bodies(seed)
    shots = _shots(bodies, random.Random(seed))
    wires = deque(Wire(url, LONGEST_S) for _ in range(CONNECTIONS))
    sent = 0
    while sent < count:
        volleys = []
        for wire in wires:
            volley = [next(shots) for _ in range(TOGETHER[sent % len(TOGETHER)])]
            sent += len(volley)
            _send(wire, volley)
            volleys.append((wire, volley))
        wires.clear()
        for wire, volley in volleys:
            whole = _receive(wire, volley, toll, bodies)
            if not whole:
                wire.__exit__(None, None, None)
            wires.append(wire if whole else Wire(url, LONGEST_S))
    for wire in wires:
        wire.__exit__(None, None, None)
    return toll


def _send(wire: Wire, volley: list[bytes]) -> None:
    with contextlib.suppress(OSError):  # refused in the middle: the answer tells
        wire.send(b"".join(volley))


def _receive(wire: Wire, volley: list[bytes], toll: Toll, bodies: Bodies) -> bool:
    """Note the answers; tell whether the connection goes on."""
    for shot in volley:
        wire.head = shot.startswith(b"HEAD ")
        try:
            answer = wire.answer()
        except TimeoutError:
            toll.hangs += 1
            toll.faults.append(f"hang: {shot[:3000]!r}")
            return False
        except OSError as fault:
            answer = None
            toll.faults.append(f"{fault!r}: {shot[:3000]!r}")
        if answer is None:
            toll.resets += 1
            return False
        toll.statuses[answer.status] += 1
        if answer.status in BAD or not _is_well_told(answer):
            toll.faults.append(f"{answer.status} {answer.body[:300]!r}: {shot[:3000]!r}")
        if answer.status == 200 and b'"next":"' in answer.body and len(bodies.cursors) < 100:
            bodies.cursors.append(
                answer.body.rpartition(b'"next":"')[2].partition(b'"')[0].decode()
            )
        if answer.status == 200 and (own := answer.headers.get("x-request-id")):
            bodies.request_ids = [own, *bodies.request_ids[:20]]
        if answer.headers.get("connection") == "close":
            return False  # what was sent behind it has no answer, and needs none
    return True


def _is_well_told(answer: Answer) -> bool:
    """Tell whether a refusal is a problem document with a code."""
    if answer.status < 400 or not answer.body or answer.status == 503:
        return True
    if answer.headers.get("content-type") != "application/problem+json":
        return False
    told = json.loads(answer.body)
    return bool(told["type"].startswith("urn:braid:problem:") and told["status"] == answer.status)


def _shots(bodies: Bodies, chance: random.Random) -> Iterator[bytes]:
    while True:
        for operation, body in bodies.draw():
            yield _framed(operation.method, operation.path, body, chance)
        if chance.random() < 0.3:
            path = chance.choice(PATHS) + "".join(
                chance.choices(CHARACTERS, k=chance.choice((0, 0, 1, 3)))
            )
            yield _framed(chance.choice(METHODS), path, b"", chance)


def _framed(method: str, path: str, body: bytes, chance: random.Random) -> bytes:
    """Return a request that is whole, whatever is in it."""
    lines = [f"{method} {path} HTTP/1.1\r\nhost: x\r\n".encode()]
    if chance.random() < 0.2:
        lines += chance.choices(HEADERS, k=chance.randint(1, 3))
    if body and chance.random() < 0.1:
        lines.append(b"transfer-encoding: chunked\r\n\r\n")
        at = chance.randrange(len(body) + 1)
        lines += [b"%x\r\n%b\r\n" % (len(one), one) for one in (body[:at], body[at:]) if one]
        lines.append(b"0\r\n\r\n")
    else:
        lines.append(b"content-length: %d\r\n\r\n" % len(body))
        lines.append(body)
    return b"".join(lines)


def main() -> int:
    """Send, and tell what came of it."""
    url, *more = sys.argv[1:]
    count, seed = (int(more[0]) if more else 10_000), (int(more[1]) if more[1:] else 1)
    began = time.monotonic()
    toll = barrage(url, count, seed)
    seconds = time.monotonic() - began
    print(f"{count} requests in {seconds:.0f} s: {toll}")  # noqa: T201  a command's output
    for fault in toll.faults[:20]:
        print(fault)  # noqa: T201  a command's output
    return 1 if toll.faults else 0


if __name__ == "__main__":
    raise SystemExit(main())
