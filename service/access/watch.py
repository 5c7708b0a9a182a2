"""Files that others write, looked at once a second."""

import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

LOOK_EVERY_S: Final = 1.0

type Stamp = tuple[int, int, int] | None


class Watch:
    """Calls ``changed``, in a thread of its own, when any of ``paths`` is another file than before.

    What stood there when this was made counts as known: make it before reading the files.
    """

    def __init__(self, name: str, paths: Sequence[Path], changed: Callable[[], None]) -> None:
        self._paths = paths
        self._changed = changed
        self._known = self._look()
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def start(self) -> None:
        """Start looking."""
        self._thread.start()

    def stop(self) -> None:
        """End the thread."""
        self._ended.set()
        if self._thread.ident is not None:
            self._thread.join()

    def _look(self) -> list[Stamp]:
        return [_stamp(path) for path in self._paths]

    def _run(self) -> None:
        while not self._ended.wait(LOOK_EVERY_S):
            found = self._look()
            if found != self._known:
                self._known = found
                self._changed()


def _stamp(path: Path) -> Stamp:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino
