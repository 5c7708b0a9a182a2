"""The audit log: who changed what, and who was turned away; one JSON line each, never a secret."""

import logging
import os
import threading
from datetime import UTC, datetime
from pathlib import Path
from queue import SimpleQueue
from typing import Final

import msgspec
from msgspec import Struct

from service.access.file import PRIVATE
from service.errors import SettingInvalid

MOST_HELD: Final = 10_000
"""Lines that may wait for a slow disk; more are dropped, and counted."""

log = logging.getLogger("braid.audit")
log.setLevel(logging.INFO)  # whatever else is logged, this is


class Line(Struct, frozen=True, omit_defaults=True, gc=False):
    """One thing that was done or refused; ``alike`` more of the kind have no line of their own."""

    at: datetime
    action: str
    outcome: str
    who: str | None = None
    what: str = ""
    request_id: str = ""
    alike: int = 0


class Audit:
    """Takes notes from any thread without making it wait; a thread of its own writes them."""

    def __init__(self, path: Path | None) -> None:
        """Append to a file, readable by its owner alone, or to the log where there is none.

        Raises:
            SettingInvalid: the file cannot be written.
        """
        self.written = 0
        self.dropped = 0
        self._path = path
        self._lines = SimpleQueue[Line | None]()
        self._thread = threading.Thread(target=self._run, name="braid-audit", daemon=True)
        try:
            append(path, [])
        except OSError as fault:
            raise SettingInvalid(f"--audit={path} cannot be written: {fault.strerror}") from None

    def start(self) -> None:
        """Start writing."""
        self._thread.start()

    def stop(self) -> None:
        """Write what waits, end the thread."""
        self._lines.put(None)
        if self._thread.ident is not None:
            self._thread.join()

    def note(
        self,
        action: str,
        outcome: str,
        *,
        who: str | None = None,
        what: str = "",
        request_id: str = "",
        alike: int = 0,
    ) -> None:
        """Note what ``who`` (the name of a key) did, what it was done to, and what came of it."""
        if self._lines.qsize() >= MOST_HELD:
            self.dropped += 1  # two threads may count one: it tells that some were, not how many
            return
        self._lines.put(Line(datetime.now(UTC), action, outcome, who, what, request_id, alike))

    def _run(self) -> None:
        failing = ended = False
        while not ended:
            found = [self._lines.get()]
            while not self._lines.empty():
                found.append(self._lines.get())
            ended = None in found
            lines = [line for line in found if line is not None]
            try:
                append(self._path, lines)
                self.written += len(lines)
                failing = False
            except OSError as fault:
                self.dropped += len(lines)
                if not failing:
                    log.error("the audit log %s cannot be written: %s", self._path, fault.strerror)
                failing = True


def append(path: Path | None, lines: list[Line]) -> None:
    """Write lines at the end of a file, which is opened anew: it may have been rotated away.

    Raises:
        OSError: the file cannot be written.
    """
    encoded = [msgspec.json.encode(line) for line in lines]
    if path is None:
        for line in encoded:
            log.info("%s", line.decode())
        return
    descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, PRIVATE)
    with os.fdopen(descriptor, "ab") as file:
        file.writelines(line + b"\n" for line in encoded)
