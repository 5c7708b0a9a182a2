"""The separate environments, for what must not come near the service's own.

Locust stands on gevent, and the benchmarks' peers on hiredis: importing either switches the
GIL back on, and what `braid evaluate --peers` compares with has no wheels for a Python without
one. Any Python with a GIL will do for them, and a newer one is preferred. The kernels'
peers and the simulator keep the GIL off, and are imported beside our own: they need the service's
Python. And Braid itself on a build of that Python with the GIL shows what its absence brings.
"""

from __future__ import annotations

import os
import shutil
import sys
from typing import TYPE_CHECKING

from . import environment, interpreter, uv
from .console import Stop, Unavailable
from .probe import Interpreter, ask

if TYPE_CHECKING:
    from pathlib import Path

_OLDEST = {
    "audit": (3, 10),
    "load": (3, 10),
    "bench": (3, 11),
    "browser": (3, 11),
    "deploy": (3, 11),
    "docs": (3, 11),
    "engine": (3, 11),
    "feast": (3, 11),
    "fuzz": (3, 11),
    "offline": (3, 11),
    "peers": (3, 11),
}
_CANDIDATES = ("python3.14", "python3.13", "python3.12", "python3.11", "python3.10")


def prepare(root: Path, name: str) -> None:
    """Make `.venv-NAME` hold requirements/NAME.lock."""
    lock = root / "requirements" / f"{name}.lock"
    inputs = [lock.read_bytes()]
    if name in _OLDEST:
        environment.make(root / f".venv-{name}", lock, inputs, lambda: _with_gil(root, name))
    else:
        environment.make(root / f".venv-{name}", lock, inputs, lambda: interpreter.find(root))


def prepare_with_gil(root: Path) -> None:
    """Make `.venv-gil` hold what `.venv` holds, for a Python 3.14 with the GIL."""
    lock = root / "requirements" / "dev.lock"
    inputs = [lock.read_bytes(), (root / "pyproject.toml").read_bytes(), os.fsencode(root)]
    environment.make(
        root / ".venv-gil", lock, inputs, lambda: interpreter.find_with_gil(root), project=root
    )


def prepare_spark(root: Path) -> None:
    """Make `.venv-spark` hold what Spark's workers need to run Braid's code, which is of 3.14."""
    lock = root / "requirements" / "spark.lock"
    environment.make(
        root / ".venv-spark", lock, [lock.read_bytes()], lambda: interpreter.find_with_gil(root)
    )


def _with_gil(root: Path, name: str) -> Interpreter:
    reasons = []
    for path in filter(None, (*map(shutil.which, _CANDIDATES), sys.executable)):
        try:
            return _ask(path, name)
        except Unavailable as why:
            reasons.append(str(why))
    try:
        return uv.install_python(root, "3.13", lambda path: _ask(path, name))
    except Unavailable as why:
        reasons.append(str(why))
    oldest = ".".join(map(str, _OLDEST[name]))
    raise Stop(
        f"make {name} needs a Python with the GIL, {oldest} or newer, and none was found:\n  "
        + "\n  ".join(reasons)
        + f"\nInstall one (on Debian: apt-get install python3) and run make {name} again."
    )


def _ask(path: str, name: str) -> Interpreter:
    found = ask(path)
    if found.version < _OLDEST[name] or found.free_threaded:
        raise Unavailable(f"{found} will not do")
    return found
