"""A virtual environment that holds exactly one lock.

A stamp inside the environment tells what it was made from. A set-up that finds the stamp
it would write has nothing to do, and one that was interrupted has left no stamp.
"""

from __future__ import annotations

import hashlib
import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from . import interpreter, pip, registry, uv
from .cache import exclusive
from .commands import succeeds
from .console import Stop, Unavailable, run_step, say
from .probe import Interpreter, ask

if TYPE_CHECKING:
    from collections.abc import Callable


def prepare(root: Path) -> None:
    """Make `.venv` hold requirements/dev.lock and the project itself, editable."""
    lock = root / "requirements" / "dev.lock"
    inputs = [lock.read_bytes(), (root / "pyproject.toml").read_bytes()]
    inputs += [os.fsencode(root), os.environ.get("BRAID_PYTHON", "").encode()]
    venv = root / ".venv"
    make(venv, lock, inputs, lambda: interpreter.find(root), project=root)
    if "gil" in _stamp(venv).read_text():
        interpreter.warn_of_gil(ask(str(_python(venv))))


def make(
    venv: Path,
    lock: Path,
    inputs: list[bytes],
    find: Callable[[], Interpreter],
    project: Path | None = None,
) -> None:
    """Make ``venv`` hold what ``lock`` pins, unless its stamp says that it does.

    ``inputs`` is everything the result depends on; ``find`` yields the interpreter.
    ``project`` is installed besides, editable.
    """
    with exclusive(venv.parent):
        key = hashlib.sha256(b"\0".join(inputs)).hexdigest()
        if _is_current(venv, key):
            return
        _stamp(venv).unlink(missing_ok=True)
        python = find()
        say(f"using {python}")
        _ensure_venv(venv, python)
        _install(venv, ["--require-hashes", "-r", str(lock)], exact=True)
        if project is not None:
            # The lock has the build backend: no second, unpinned environment for it.
            _install(venv, ["--no-deps", "--no-build-isolation", "-e", str(project)])
        gil = "free-threaded" if python.free_threaded else "gil"
        _stamp(venv).write_text(f"{key}\n{os.path.realpath(_python(venv))}\n{gil}\n")
        say(f"{venv.name} is ready")


def _python(venv: Path) -> Path:
    return venv / "bin" / "python"


def _stamp(venv: Path) -> Path:
    return venv / "braid-stamp"


def _is_current(venv: Path, key: str) -> bool:
    try:
        lines = _stamp(venv).read_text().splitlines()
    except OSError:
        return False
    python = os.path.realpath(_python(venv))
    return lines[:2] == [key, python] and os.access(python, os.X_OK)


def _ensure_venv(venv: Path, python: Interpreter) -> None:
    if _python(venv).exists():
        try:
            now = ask(str(_python(venv)))
            if (now.prefix, now.version) == (python.prefix, python.version):
                return
        except Unavailable as why:
            say(f"{venv.name} is made anew: {why}")
    shutil.rmtree(venv, ignore_errors=True)
    command = [python.path, "-m", "venv", "--without-pip", str(venv)]
    if not succeeds(command):
        raise Stop(f"`{' '.join(command)}` failed; its reason is above")


def _install(venv: Path, what: list[str], *, exact: bool = False) -> None:
    """Install with uv if there is one that works, else with pip."""
    python = str(_python(venv))
    try:
        # `sync` takes the file without -r and removes what is not in it.
        words = ["sync", *(w for w in what if w != "-r")] if exact else ["install", *what]
        command = [uv.find(), "pip", *words, "--python", python, "--compile-bytecode"]
        if succeeds(command, env=registry.for_uv()):
            return
        say("uv failed; trying pip")
    except Unavailable:
        pass  # no uv: pip is good enough, only slower
    _install_with_pip(venv, what)


def _install_with_pip(venv: Path, what: list[str]) -> None:
    options = ["--disable-pip-version-check", "--no-input", *what]
    pinned = sum(Path(word).read_text().count("==") for word in what if word.endswith(".lock"))
    try:
        with (venv / "pip.log").open("w") as log:
            run_step(
                "pip install",
                [*pip.command_for(str(_python(venv))), "install", *options],
                cwd=venv.parent,
                log=log,
                counted="(from -r",  # a line for each package, once its file is chosen
                total=pinned,
            )
    except Unavailable as why:
        raise Stop(str(why)) from why
