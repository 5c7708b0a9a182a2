"""What a figure was measured on: it means nothing without."""

import os
import platform
import subprocess
import sys
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

PACKAGES = ("numpy", "numba", "msgspec", "litestar", "uvicorn", "uvloop", "usearch", "lightgbm")
GIB = 2**30


def describe() -> dict[str, Any]:
    """Return processor, cores, memory, system, Python, versions, date and load average."""
    return {
        "date": datetime.now(UTC).isoformat(timespec="minutes"),
        "commit": _commit(),
        "processor": _field("/proc/cpuinfo", "model name") or platform.processor(),
        "cores": os.process_cpu_count(),
        "memory_gib": round(_memory_bytes() / GIB, 1),
        "system": platform.platform(),
        "python": python(),
        "versions": {name: _version(name) for name in PACKAGES},
        "load_average": [round(load, 2) for load in os.getloadavg()],
    }


def python() -> str:
    """Return this interpreter's version and whether its GIL is on."""
    return f"{platform.python_version()} ({'GIL' if sys._is_gil_enabled() else 'free-threaded'})"


def build(program: str | Path = sys.executable) -> str:
    """Return an interpreter's version, its kind, and whether a profile guided its compiler."""
    ask = (
        "import platform, sys, sysconfig as s;"
        "print('CPython', platform.python_version(),"
        " 'with the GIL,' if sys._is_gil_enabled() else 'without the GIL,',"
        " 'with' if '--enable-optimizations' in s.get_config_var('CONFIG_ARGS') else 'without',"
        " 'PGO')"
    )
    done = subprocess.run([program, "-c", ask], capture_output=True, text=True, check=True)
    return done.stdout.strip()


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def _commit() -> str:
    root = Path(__file__).resolve().parents[1]
    done = subprocess.run(
        ["git", "describe", "--always", "--dirty"],
        cwd=root,
        capture_output=True,
        text=True,
        check=False,
    )
    return done.stdout.strip() or "no git"


def _memory_bytes() -> int:
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")


def _field(file: str, name: str) -> str:
    path = Path(file)
    lines = path.read_text().splitlines() if path.exists() else []
    return next((line.partition(": ")[2] for line in lines if line.startswith(name)), "")
