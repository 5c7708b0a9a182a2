"""What a given interpreter really is, asked by running it."""

from __future__ import annotations

import json
from dataclasses import dataclass

from .commands import answer
from .console import Unavailable

_QUESTION = """
import ctypes, json, ssl, sys, sysconfig, zlib
free = bool(sysconfig.get_config_var("Py_GIL_DISABLED"))
print(json.dumps([list(sys.version_info[:3]), free, sys.base_prefix]))
"""


@dataclass(frozen=True)
class Interpreter:
    """A Python that has been run: where it is, what it is.

    ``prefix`` is the installation it belongs to, the same for it and for every
    virtual environment made from it.
    """

    path: str
    version: tuple[int, ...]
    free_threaded: bool
    prefix: str

    def __str__(self) -> str:
        threads = "free-threaded" if self.free_threaded else "with the GIL"
        return f"Python {'.'.join(map(str, self.version))}, {threads} ({self.path})"


def ask(path: str) -> Interpreter:
    """Run the interpreter at ``path`` and say what it is.

    Raises Unavailable if it does not run or lacks ssl, zlib or ctypes.
    """
    # -I: neither the user's PYTHON* variables nor the current folder colour the answer.
    command = [path, "-I", "-c", _QUESTION]
    reply = answer(command, timeout=60)
    try:
        version, free_threaded, prefix = json.loads(reply)
    except ValueError as error:
        raise Unavailable(f"{path} is no Python: it answered {reply[:80]!r}") from error
    return Interpreter(path, tuple(version), free_threaded, prefix)


def ask_modern(path: str) -> Interpreter:
    """Like `ask`, and raise Unavailable if it is older than 3.14."""
    found = ask(path)
    if found.version < (3, 14):
        raise Unavailable(f"{found} is older than 3.14")
    return found


def ask_with_gil(path: str) -> Interpreter:
    """Like `ask_modern`, and raise Unavailable if it has no GIL."""
    found = ask_modern(path)
    if found.free_threaded:
        raise Unavailable(f"{found} has no GIL")
    return found


def ask_free_threaded(path: str) -> Interpreter:
    """Like `ask_modern`, and raise Unavailable if it has the GIL."""
    found = ask_modern(path)
    if not found.free_threaded:
        raise Unavailable(f"{found} is not free-threaded")
    return found
