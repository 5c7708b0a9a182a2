"""The separate environment, with a GIL, that load tests run in.

Locust stands on gevent, whose greenlets switch the GIL back on: it must not come near the
service's own environment, and any Python from 3.10 on will do.
"""

from __future__ import annotations

import shutil
import sys
from typing import TYPE_CHECKING

from . import environment, uv
from .console import Stop, Unavailable
from .probe import Interpreter, ask

if TYPE_CHECKING:
    from pathlib import Path

_CANDIDATES = ("python3.13", "python3.12", "python3.11", "python3.10", "python3.14")


def prepare(root: Path) -> None:
    """Make `.venv-load` hold requirements/load.lock."""
    lock = root / "requirements" / "load.lock"
    inputs = [lock.read_bytes()]
    environment.make(root / ".venv-load", lock, inputs, lambda: _find(root))


def _find(root: Path) -> Interpreter:
    reasons = []
    for path in filter(None, (sys.executable, *map(shutil.which, _CANDIDATES))):
        try:
            return _ask_with_gil(path)
        except Unavailable as why:
            reasons.append(str(why))
    try:
        return uv.install_python(root, "3.13", _ask_with_gil)
    except Unavailable as why:
        reasons.append(str(why))
    raise Stop(
        "locust needs a Python with the GIL, 3.10 or newer, and none was found:\n  "
        + "\n  ".join(reasons)
        + "\nInstall one (on Debian: apt-get install python3) and run make load again."
    )


def _ask_with_gil(path: str) -> Interpreter:
    found = ask(path)
    if found.version < (3, 10) or found.free_threaded:
        raise Unavailable(f"{found} will not do")
    return found
