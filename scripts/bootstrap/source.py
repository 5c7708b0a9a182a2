"""Building CPython from the distribution's tarball.

The build lands in the cache folder under a name that holds version and checksum, by one
rename at the very end: what lies under that name is whole, and is never built twice.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import tarfile
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path
from typing import IO

from . import cache, headers
from .apt import download
from .commands import answer
from .console import Unavailable, run_step, say
from .probe import Interpreter, ask_free_threaded, ask_with_gil


@dataclass(frozen=True)
class Source:
    """A release in the distribution's source archive, and whether to build it with the GIL."""

    version: str
    path: str
    sha256: str
    gil: bool = False

    @property
    def name(self) -> str:
        """Return the version as interpreters have it in their names: 3.14.7t is without the GIL."""
        return self.version if self.gil else f"{self.version}t"

    def program(self, prefix: Path) -> Path:
        """Return the path of the interpreter once it is installed in ``prefix``."""
        return prefix / "bin" / ("python3.14" if self.gil else "python3.14t")

    def ask(self, prefix: Path) -> Interpreter:
        """Run that interpreter, and make sure that it is what was asked for."""
        ask = ask_with_gil if self.gil else ask_free_threaded
        return ask(str(self.program(prefix)))


CPYTHON = Source(
    version="3.14.7",
    path="pool/main/p/python3.14/python3.14_3.14.7.orig.tar.xz",
    sha256="3b48dac8fb59f62eaa67ac83c1eb12bda1b7a08406dd286e252c11a66be27f81",
)
CPYTHON_WITH_GIL = replace(CPYTHON, gil=True)

# No profile-guided optimisation: it trains on the test suite, and set-up is long enough without.
_OPTIONS = (
    "--disable-test-modules",
    "--without-static-libpython",
    "--with-ensurepip=install",
)


def build(source: Source) -> Interpreter:
    """Return the interpreter built from ``source``, building it if that has not been done.

    Raises Unavailable if it cannot be fetched, is not what its checksum says, or does not
    build into the Python asked for, with ssl, zlib and ctypes.
    """
    prefix = cache.folder() / f"python-{source.name}-{source.sha256[:8]}"
    with cache.exclusive(cache.folder()):
        if not source.program(prefix).exists():
            _sweep()
            with tempfile.TemporaryDirectory(dir=cache.folder(), prefix="build-") as work:
                _build_in(Path(work), source, prefix)
    return source.ask(prefix)


def _sweep() -> None:
    # What a killed build left behind; we hold the lock, so nobody is at work in it.
    for remains in cache.folder().glob("build-*"):
        shutil.rmtree(remains, ignore_errors=True)


def _build_in(work: Path, source: Source, prefix: Path) -> None:
    if " " in str(prefix):
        raise Unavailable(f"CPython does not build below a path with a space ({prefix})")
    options = [*_OPTIONS, *headers.configure_options()]
    options += [] if source.gil else ["--disable-gil"]
    tree = _unpack(_fetch(source, work), work)
    say(f"building Python {source.name} in {prefix.parent}: minutes, but only this once")
    with (prefix.parent / "python-build.log").open("w+") as log:
        configure = ["./configure", f"--prefix={prefix}", *options]
        run_step("configure", configure, cwd=tree, log=log, counted="checking", total=900)
        _check_configured(log)
        make = ["make", f"-j{os.cpu_count() or 1}"]
        total = _count_compilations(tree)
        run_step("compile", make, cwd=tree, log=log, counted=" -c ", total=total)
        install = ["make", "install", f"DESTDIR={work / 'root'}"]
        run_step("install", install, cwd=tree, log=log)
    built = work / "root" / prefix.relative_to("/")
    source.ask(built)
    shutil.rmtree(prefix, ignore_errors=True)
    built.rename(prefix)


def _check_configured(log: IO[str]) -> None:
    # configure goes on without them, and we would find out minutes later.
    log.seek(0)
    said = log.read()
    missing = [name for name in ("_ssl", "_ctypes", "zlib") if f"module {name}... missing" in said]
    if missing:
        raise Unavailable(f"it would lack {', '.join(missing)} (log: {log.name})")


def _fetch(source: Source, work: Path) -> Path:
    tarball = work / "source.tar.xz"
    download(source.path, tarball)
    found = hashlib.sha256(tarball.read_bytes()).hexdigest()
    if found != source.sha256:
        raise Unavailable(f"{source.path} has checksum {found}, not {source.sha256}: refused")
    return tarball


def _unpack(tarball: Path, work: Path) -> Path:
    with tarfile.open(tarball) as archive:
        # Python 3.14's default, asked for by name where there is a choice.
        archive.extraction_filter = getattr(tarfile, "data_filter", None)
        archive.extractall(work / "tree")  # noqa: S202 -- its checksum has been verified
    return next((work / "tree").iterdir())


def _count_compilations(tree: Path) -> int:
    # The plan of make and its real output name each compilation in the same way.
    return answer(["make", "-n", "-C", str(tree)]).count(" -c ")
