"""The log of this process: lines on stderr, written by a thread that nobody waits for."""

import logging
import os
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from queue import SimpleQueue
from typing import Final, Literal

from service.logs.render import renderer

MOST_HELD: Final = 4096
"""Records that may wait for a slow reader; more are dropped, and counted."""
GATHER_S: Final = 0.05
FLUSH_S: Final = 2.0
"""How long a process that ends waits for its last lines to be taken."""
STDERR: Final = 2

type Format = Literal["auto", "json", "console"]


class Lines(logging.Handler):
    """Takes records from any thread without making it wait for the disk, the pipe or the words.

    ``written`` and ``dropped`` count records: dropped are those that found too many waiting, and
    those that could not be written.
    """

    def __init__(self, formatter: logging.Formatter, descriptor: int = STDERR) -> None:
        """Write to a file descriptor; start nothing yet."""
        super().__init__()
        self.formatter = formatter
        self.written = 0
        self.refused = 0
        self.lost = 0
        self._descriptor = descriptor
        self._waiting = SimpleQueue[logging.LogRecord | None]()
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._run, name="braid-log", daemon=True)

    @property
    def dropped(self) -> int:
        """Return how many records have become no line."""
        return self.refused + self.lost

    def start(self) -> None:
        """Start writing."""
        self._thread.start()

    def stop(self) -> None:
        """Write what waits, as far as somebody takes it within `FLUSH_S` seconds."""
        self._ending.set()
        self._waiting.put(None)
        if self._thread.ident is not None:
            self._thread.join(FLUSH_S)

    def emit(self, record: logging.LogRecord) -> None:
        """Have a record written; the lock that logging holds meanwhile makes the count exact."""
        if self._waiting.qsize() >= MOST_HELD:
            self.refused += 1
            return
        record.msg, record.args = record.getMessage(), None  # the arguments may change meanwhile
        self._waiting.put(record)

    def _run(self) -> None:
        ended = False
        while not ended:
            found = [self._waiting.get()]
            self._ending.wait(GATHER_S)
            while not self._waiting.empty():
                found.append(self._waiting.get())
            ended = None in found
            for record in found:
                if record is not None:
                    self._write(record)

    def _write(self, record: logging.LogRecord) -> None:
        try:
            left = memoryview(f"{self.format(record)}\n".encode(errors="backslashreplace"))
            while left:
                left = left[os.write(self._descriptor, left) :]
        except Exception:  # noqa: BLE001  there is nowhere left to tell of it but the counter
            self.lost += 1
        else:
            self.written += 1


@contextmanager
def lines(format_: Format) -> Iterator[Lines]:
    """Have everything that is logged until the block ends written as lines on stderr."""
    terminal = sys.stderr.isatty()
    for_people = terminal if format_ == "auto" else format_ == "console"
    handler = Lines(renderer(for_people=for_people, colours=terminal))
    root = logging.getLogger()
    before = root.handlers[:]
    handler.start()
    root.handlers[:] = [handler]
    try:
        yield handler
    finally:
        root.handlers[:] = before
        handler.stop()
