"""A pip that runs, also where the distribution has left it out."""

from __future__ import annotations

import sys

from . import apt, cache
from .commands import answer, answers
from .console import Unavailable

_WHEELS = "usr/share/python-wheels/pip-*.whl"


def command() -> list[str]:
    """Return a command that runs pip under this python3.

    Debian ships python3 without pip, but with a package that holds pip's wheel, and a
    wheel can be run where it lies. Raises Unavailable if that is not to be had either.
    """
    if answers([sys.executable, "-m", "pip", "--version"]):
        return [sys.executable, "-m", "pip"]
    debs = cache.folder() / "debs"
    if not list(debs.glob(_WHEELS)):
        apt.extract(["python3-pip-whl"], debs)
    for wheel in debs.glob(_WHEELS):
        return [sys.executable, f"{wheel}/pip"]
    raise Unavailable("this python3 has no pip, and python3-pip-whl brought none")


def command_for(python: str) -> list[str]:
    """Return a command that runs pip for the environment of ``python``."""
    own = [python, "-m", "pip"]
    if answers([*own, "--version"]):
        return own
    try:
        answer([python, "-m", "ensurepip"])
    except Unavailable:
        return [*command(), "--python", python]
    return own
