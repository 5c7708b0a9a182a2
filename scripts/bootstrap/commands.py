"""Running other programs: the two ways set-up does it."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

from .console import Unavailable

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path


def succeeds(
    command: Sequence[str], *, env: Mapping[str, str] | None = None, cwd: Path | None = None
) -> bool:
    """Run ``command`` before the user's eyes, and tell whether it exited with 0."""
    done = subprocess.run(command, check=False, env=env, cwd=cwd, stdout=sys.stderr)
    return done.returncode == 0


def answer(
    command: Sequence[str],
    *,
    stdin: str = "",
    timeout: float | None = None,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
) -> str:
    """Run ``command`` quietly and return its standard output.

    Raises Unavailable with what it printed on stderr if it fails or does not run at all.
    """
    try:
        done = subprocess.run(
            command,
            check=False,
            input=stdin,
            capture_output=True,
            text=True,
            timeout=timeout,
            env=env,
            cwd=cwd,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise Unavailable(f"{command[0]} does not run: {error}") from error
    if done.returncode != 0:
        why = done.stderr.strip() or f"exit status {done.returncode}"
        raise Unavailable(f"{command[0]} failed: {why}")
    return done.stdout


def answers(command: Sequence[str], *, stdin: str = "") -> bool:
    """Tell whether ``command`` runs and exits with 0, quietly."""
    try:
        answer(command, stdin=stdin)
    except Unavailable:
        return False
    return True
