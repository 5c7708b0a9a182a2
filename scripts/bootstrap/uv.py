"""Finding or installing uv, and letting it install a Python."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from . import cache, pip, registry
from .commands import answer, answers, succeeds
from .console import Unavailable, say

if TYPE_CHECKING:
    from collections.abc import Callable

    from .probe import Interpreter


def find() -> str:
    """Return a uv that runs: $UV, the PATH's, or the one an earlier set-up installed.

    Raises Unavailable if none does.
    """
    for uv in (os.environ.get("UV"), shutil.which("uv"), str(_own())):
        if uv and answers([uv, "--version"]):
            return uv
    raise Unavailable("there is no uv that runs")


def find_or_install(root: Path) -> str:
    """Like `find`, and install uv in the cache folder if there is none."""
    try:
        return find()
    except Unavailable as why:
        say(f"{why}; installing the one that requirements/bootstrap.lock pins")
    with cache.exclusive(cache.folder()):
        if not answers([str(_own()), "--version"]):
            _install(root / "requirements" / "bootstrap.lock")
    return str(_own())


def install_python(root: Path, version: str, ask: Callable[[str], Interpreter]) -> Interpreter:
    """Let uv install a Python of its own, and return it once ``ask`` has run it.

    Fails at once where uv's download site cannot be reached, with uv's reason.
    """
    uv = find_or_install(root)
    # One retry, no link in ~/.local/bin, and no thought for the project we are in.
    hurry = {"UV_HTTP_RETRIES": "1", "UV_PYTHON_INSTALL_BIN": "0", "UV_NO_CONFIG": "1"}
    if not succeeds([uv, "python", "install", version], env={**registry.for_uv(), **hurry}):
        raise Unavailable(f"{uv} could not install it; its reason is above")
    found = answer([uv, "python", "find", "--managed-python", "--no-project", version])
    return ask(found.strip())


def _own() -> Path:
    return cache.folder() / "uv" / "bin" / "uv"


def _install(lock: Path) -> None:
    fresh = cache.folder() / "uv.part"
    shutil.rmtree(fresh, ignore_errors=True)
    options = ["--quiet", "--disable-pip-version-check", "--no-input", "--target", str(fresh)]
    answer([*pip.command(), "install", *options, "--require-hashes", "-r", str(lock)])
    shutil.rmtree(cache.folder() / "uv", ignore_errors=True)
    fresh.rename(cache.folder() / "uv")
