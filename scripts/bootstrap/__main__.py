"""What `make` runs before anything else: python3 -m scripts.bootstrap WHAT.

environment   make .venv ready (also without a word)
load          make .venv-load ready
audit         make .venv-audit ready
bench         make .venv-bench ready
browser       make .venv-browser ready
deploy        make .venv-deploy ready
docs          make .venv-docs ready
engine        make .venv-engine ready
feast         make .venv-feast ready
fuzz          make .venv-fuzz ready
gil           make .venv-gil ready: the project on a Python with the GIL
kernels       make .venv-kernels ready
offline       make .venv-offline ready
peers         make .venv-peers ready
sim           make .venv-sim ready
spark         make .venv-spark ready
interpreter   climb the ladder, print the path of the Python it leads to
source        print the path of the Python built from source, building it if need be
uv            print the path of a uv that runs, installing it if need be
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from . import environment, interpreter, side, source, uv
from .console import Stop, Unavailable
from .probe import Interpreter

ROOT = Path(__file__).resolve().parents[2]


def _interpreter() -> Interpreter:
    found = interpreter.find(ROOT)
    interpreter.warn_of_gil(found)
    return found


def main(arguments: list[str]) -> int:
    """Make what is asked for ready, and return an exit status."""
    whats = {
        "environment": lambda: environment.prepare(ROOT),
        "load": lambda: side.prepare(ROOT, "load"),
        "audit": lambda: side.prepare(ROOT, "audit"),
        "bench": lambda: side.prepare(ROOT, "bench"),
        "browser": lambda: side.prepare(ROOT, "browser"),
        "deploy": lambda: side.prepare(ROOT, "deploy"),
        "docs": lambda: side.prepare(ROOT, "docs"),
        "engine": lambda: side.prepare(ROOT, "engine"),
        "feast": lambda: side.prepare(ROOT, "feast"),
        "fuzz": lambda: side.prepare(ROOT, "fuzz"),
        "gil": lambda: side.prepare_with_gil(ROOT),
        "kernels": lambda: side.prepare(ROOT, "kernels"),
        "offline": lambda: side.prepare(ROOT, "offline"),
        "peers": lambda: side.prepare(ROOT, "peers"),
        "sim": lambda: side.prepare(ROOT, "sim"),
        "spark": lambda: side.prepare_spark(ROOT),
        "interpreter": lambda: print(_interpreter().path),
        "source": lambda: print(source.build(source.CPYTHON).path),
        "uv": lambda: print(uv.find_or_install(ROOT)),
    }
    wanted = arguments[0] if arguments else "environment"
    if wanted not in whats:
        print(__doc__, file=sys.stderr)
        return 2
    # Our make's own flags are not meant for the make that builds CPython.
    for name in ("MAKEFLAGS", "MFLAGS", "MAKELEVEL"):
        os.environ.pop(name, None)
    try:
        whats[wanted]()
    except (Stop, Unavailable) as stop:
        print(f"\nbraid set-up stopped: {stop}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nbraid set-up interrupted; the next run starts where it is safe", file=sys.stderr)
        return 130
    return 0


sys.exit(main(sys.argv[1:]))
