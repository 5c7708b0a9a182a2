"""Clients that are a nuisance, in a process of their own: what they cost to be is not measured.

    python -m tests.faults.nuisance greedy URL
    python -m tests.faults.nuisance idle URL COUNT

Says "there" when they are, and goes when its standard input ends.
"""

import os
import select
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from benchmarks.servers import ROOT
from tests.fuzz.smuggling import BODY, LENGTH, POST
from tests.fuzz.wire import Wire

EVERY_S = 0.2
SLOW = 100


def post(body: bytes, more: bytes = b"") -> bytes:
    """Return a whole request for recommendations."""
    return POST + more + b"content-length: %d\r\n\r\n" % len(body) + body


LARGE = b'{"candidates":["' + b"a" * 10_000_000 + b'"]}'
MILLION = b'{"candidates":[' + b'"1",' * 999_999 + b'"1"]}'


def greedy(url: str, stack: ExitStack) -> None:
    """Send a hundred requests slowly, and five times a second what is far too large."""
    for _ in range(SLOW):
        stack.enter_context(Wire(url)).send((POST + LENGTH + b"\r\n" + BODY)[:20])
    bodies = [post(LARGE), post(MILLION)]
    there()
    while not ended(EVERY_S):
        for body in bodies:
            with Wire(url) as wire:
                wire.send(body)
                answer = wire.answer()
            assert answer is not None
            assert answer.status == 413


def idle(url: str, stack: ExitStack, count: int) -> None:
    """Have so many connections open that say nothing, half of them after a request."""
    wires = [stack.enter_context(Wire(url)) for _ in range(count)]
    for wire in wires[::2]:
        wire.send(b"GET /health/live HTTP/1.1\r\nhost: x\r\n\r\n")
        assert wire.answer() is not None
    there()
    while not ended(EVERY_S):
        pass


def there() -> None:
    """Tell whoever started us."""
    sys.stdout.write("there\n")
    sys.stdout.flush()


def ended(within_s: float) -> bool:
    """Wait so long; tell whether the standard input has ended meanwhile."""
    return bool(select.select([sys.stdin], [], [], within_s)[0])


@contextmanager
def beside(*words: str) -> Iterator[None]:
    """Have them there while the block runs."""
    command = [sys.executable, "-m", "tests.faults.nuisance", *words]
    with subprocess.Popen(
        command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as clients:
        assert clients.stdin is not None
        assert clients.stdout is not None
        assert clients.stdout.readline() == "there\n"
        yield
        clients.stdin.close()
        assert clients.wait(60) == 0


def main() -> None:
    """Be what is asked for, on what the others leave of the cores: it stands for other machines."""
    os.nice(19)
    kind, url, *count = sys.argv[1:]
    with ExitStack() as stack:
        if kind == "greedy":
            greedy(url, stack)
        else:
            idle(url, stack, int(count[0]))


if __name__ == "__main__":
    main()
