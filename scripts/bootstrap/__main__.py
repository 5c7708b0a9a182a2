"""Run from the project's folder: python3 -m scripts.bootstrap [environment|load|interpreter|uv]."""

from __future__ import annotations

import sys
from pathlib import Path

from . import environment, interpreter, load, uv
from .console import Stop, Unavailable

ROOT = Path(__file__).resolve().parents[2]


def main(arguments: list[str]) -> int:
    """Make what is asked for ready, and return an exit status."""
    wanted = arguments[0] if arguments else "environment"
    try:
        if wanted == "environment":
            environment.prepare(ROOT)
        elif wanted == "load":
            load.prepare(ROOT)
        elif wanted == "interpreter":
            python = interpreter.find(ROOT)
            interpreter.warn_of_gil(python)
            print(python.path)
        elif wanted == "uv":
            print(uv.find_or_install(ROOT))
        else:
            print(__doc__, file=sys.stderr)
            return 2
    except (Stop, Unavailable) as stop:
        print(f"\nbraid set-up stopped: {stop}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nbraid set-up interrupted; the next run starts where it is safe", file=sys.stderr)
        return 130
    return 0


sys.exit(main(sys.argv[1:]))
