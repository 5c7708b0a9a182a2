"""The ladder: which free-threaded Python to use.

1. $BRAID_PYTHON             the user's word; wrong is an error, never skipped
2. python3.14t on the PATH
3. uv python install 3.14t   seconds, where its downloads can be reached
4. a build from source       minutes, once; the tarball is the distribution's
5. any 3.14+ with the GIL    it works, without the gain, and says so loudly
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from . import source, uv
from .console import Stop, Unavailable, say, warn_loudly
from .probe import Interpreter, ask_free_threaded, ask_modern, ask_with_gil

if TYPE_CHECKING:
    from collections.abc import Callable

_WITH_GIL = ("python3.14", "python3.15", "python3")

_REMEDY = """no Python 3.14 was found, and none could be installed or built (see above).
Install a free-threaded Python 3.14 by any means, and either put python3.14t on the PATH
or name it:  make demo BRAID_PYTHON=/path/to/python3.14t"""


def find(root: Path) -> Interpreter:
    """Climb the ladder and return the first interpreter that holds.

    Raises Stop if $BRAID_PYTHON is wrong, or if no rung holds.
    """
    named = os.environ.get("BRAID_PYTHON")
    if named:
        return _named(named)
    return _climb(
        {
            "python3.14t on the PATH": lambda: _on_path("python3.14t", ask_free_threaded),
            "uv python install 3.14t": lambda: uv.install_python(root, "3.14t", ask_free_threaded),
            "build from source": lambda: source.build(source.CPYTHON),
            "Python with the GIL": _with_gil,
        }
    )


def find_with_gil(root: Path) -> Interpreter:
    """Return a Python 3.14 that has the GIL, to compare with, by the first three rungs.

    Raises Stop if no rung holds.
    """
    return _climb(
        {
            "python3.14 on the PATH": lambda: _on_path("python3.14", ask_with_gil),
            "uv python install 3.14": lambda: uv.install_python(root, "3.14", ask_with_gil),
            "build from source": lambda: source.build(source.CPYTHON_WITH_GIL),
        }
    )


def _climb(rungs: dict[str, Callable[[], Interpreter]]) -> Interpreter:
    for name, rung in rungs.items():
        try:
            return rung()
        except Unavailable as why:
            say(f"{name}: no ({why})")
    raise Stop(_REMEDY)


def warn_of_gil(python: Interpreter) -> None:
    """Tell what is lost, if ``python`` has the GIL."""
    if not python.free_threaded:
        warn_loudly(
            f"  THE GIL IS ON: {python}.\n"
            "  Braid works, but one request uses one core, and threads wait for each other.\n"
            "  For the real thing, install a free-threaded Python 3.14 as python3.14t."
        )


def _named(named: str) -> Interpreter:
    path = shutil.which(Path(named).expanduser())
    if path is None:
        raise Stop(f"BRAID_PYTHON={named}: there is no such program. Correct it or unset it.")
    try:
        return ask_modern(str(Path(path).absolute()))
    except Unavailable as why:
        raise Stop(f"BRAID_PYTHON={named}: {why}. Correct it or unset it.") from why


def _on_path(name: str, ask: Callable[[str], Interpreter]) -> Interpreter:
    path = shutil.which(name)
    if path is None:
        raise Unavailable("there is none")
    return ask(path)


def _with_gil() -> Interpreter:
    reasons = []
    for path in filter(None, map(shutil.which, _WITH_GIL)):
        try:
            return ask_modern(path)
        except Unavailable as why:
            reasons.append(str(why))
    raise Unavailable("; ".join(reasons) or "there is none")
