"""The surfaces that are served, read from a file and read again when it changes."""

import logging
import threading
from collections.abc import Callable
from importlib.resources import files
from pathlib import Path
from typing import Final

from ranking.surfaces import Surfaces, SurfacesRejected, parse
from service.errors import SettingInvalid

LOOK_EVERY_S: Final = 1.0

log = logging.getLogger("braid")

type Check = Callable[[Surfaces], None]
"""Raises SurfacesRejected where surfaces ask for what the catalogue has not."""

type Tell = Callable[[Surfaces], None]


def load(path: Path | None) -> Surfaces:
    """Read a file of surfaces; those of Braid's own that it does not name stay.

    Raises:
        SurfacesRejected: the file is not there or cannot be used.
    """
    own = parse(files("service.surfaces").joinpath("default.toml").read_text())
    if path is None:
        return own
    try:
        theirs = parse(path.read_text())
    except OSError as fault:  # its own words would name the file once more
        raise SurfacesRejected(f"cannot be read: {fault.strerror}") from fault
    except UnicodeDecodeError as fault:
        raise SurfacesRejected(f"cannot be read: {fault}") from fault
    return Surfaces({**own.by_name, **theirs.by_name}, theirs.variants)


def _nothing(_surfaces: Surfaces) -> None:
    pass


class SurfaceFile:
    """One reference to immutable surfaces, bound anew when the file on disk has changed.

    A file that cannot be used changes nothing: ``fault`` says why until it can be again.
    """

    def __init__(self, path: Path | None) -> None:
        """Read the file.

        Raises:
            SettingInvalid: it cannot be used.
        """
        self._path = path
        self._stamp = self._look()
        try:
            self._surfaces = load(path)
        except SurfacesRejected as fault:
            raise SettingInvalid(f"--surfaces={path}: {fault}") from None
        self.fault: str | None = None
        self._check: Check = _nothing
        self._tell: Tell = _nothing
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name="braid-surfaces", daemon=True)

    def read(self) -> Surfaces:
        """Return what to serve this one request by."""
        return self._surfaces

    def start(self, check: Check, tell: Tell) -> None:
        """Follow the file; what fails the check is not taken. Tell of what is, now and then."""
        self._check, self._tell = check, tell
        tell(self._surfaces)
        if self._path is not None:
            self._thread.start()

    def stop(self) -> None:
        """End the thread."""
        self._ended.set()
        if self._thread.ident is not None:
            self._thread.join()

    def _look(self) -> tuple[int, int] | None:
        try:
            found = self._path.stat() if self._path is not None else None
        except OSError:
            return None
        return (found.st_mtime_ns, found.st_size) if found else None

    def _run(self) -> None:
        while not self._ended.wait(LOOK_EVERY_S):
            stamp = self._look()
            if stamp == self._stamp:
                continue
            self._stamp = stamp
            try:
                surfaces = load(self._path)
                self._check(surfaces)
            except SurfacesRejected as fault:
                self.fault = str(fault)
                log.error("%s stays as it was: %s", self._path, fault)
            else:
                self._surfaces, self.fault = surfaces, None
                self._tell(surfaces)
                log.warning("%s is read anew", self._path)
