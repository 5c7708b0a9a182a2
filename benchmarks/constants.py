"""Show what the constants of code cost two threads, by where the code comes from.

    python -m benchmarks.constants [--short | --tiny] [--json]

W3's score function, from one file, loaded in three ways: compiled by the import, read from a
``.pyc``, and compiled by the import as `service` has it. Each is called on one thread, and by two
threads at once on columns of their own.
"""

import random
import subprocess
import sys
import threading
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from time import perf_counter_ns
from typing import Any

from benchmarks.options import Options, emit, parse, say

ROWS = 3000
WAYS = {
    "compiled by the import": ("1", False),
    "read from a .pyc": ("", False),
    "compiled by the import, in the service": ("1", True),
}


def measure(options: Options) -> dict[str, Any]:
    """Run every way in a process of its own, in turn, and return medians in microseconds."""
    repetitions = options.pick(full=7, short=3, tiny=1)
    calls = options.pick(full=100, short=50, tiny=3)
    found: dict[str, list[dict[str, Any]]] = {way: [] for way in WAYS}
    with TemporaryDirectory() as folder:
        rules = Path(folder) / "rules.py"
        rules.write_text(Path(__file__).with_name("glue.py").read_text())
        for repetition in range(repetitions):
            for way, (uncached, served) in WAYS.items():
                say(f"{way}, {repetition + 1}")
                found[way].append(_run(rules.parent, uncached, served, calls))
    return {"ways": {way: _middle(runs) for way, runs in found.items()}}


def _run(folder: Path, uncached: str, served: bool, calls: int) -> dict[str, Any]:
    path = f"{folder}:{Path(__file__).parents[1]}"
    env = {"PYTHONPATH": path, "PYTHONDONTWRITEBYTECODE": uncached}
    if uncached:
        for cached in folder.rglob("*.pyc"):
            cached.unlink()
    else:  # the first import writes the cache, and runs what it compiled
        subprocess.run([sys.executable, "-c", "import rules"], env=env, check=True)
    ask = f"from benchmarks.constants import probe; print(probe({served}, {calls}))"
    told = subprocess.run(
        [sys.executable, "-c", ask], env=env, check=True, capture_output=True, text=True
    )
    one, two, immortal = told.stdout.split()
    return {"one_us": float(one), "two_us": float(two), "immortal": immortal == "True"}


def probe(served: bool, calls: int) -> str:
    """Import the rules and time them, on one thread and on two."""
    if served:
        import service  # noqa: F401  for what it does to the imports that follow
    import rules  # type: ignore[import-not-found]

    immortal = all(map(sys._is_immortal, rules.score.__code__.co_consts))
    names = ("item.f00", "item.f01", "item.f02", "item.f03")

    def times(start: threading.Barrier, took: list[float]) -> None:
        rng = random.Random(threading.get_ident())
        items = {name: [rng.uniform(-2, 3) for _ in range(ROWS)] for name in names}
        mine = []
        for _ in range(calls):
            start.wait()
            began = perf_counter_ns()
            rules.score({"user.age": 25.0}, items)
            mine.append((perf_counter_ns() - began) / 1e3)
        took.append(median(mine))

    medians = []
    for count in (1, 2):
        start, took = threading.Barrier(count), list[float]()
        threads = [threading.Thread(target=times, args=(start, took)) for _ in range(count)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        medians.append(max(took))
    return f"{medians[0]} {medians[1]} {immortal}"


def _middle(runs: list[dict[str, Any]]) -> dict[str, Any]:
    one, two = (median(run[key] for run in runs) for key in ("one_us", "two_us"))
    throughput = median(2 * run["one_us"] / run["two_us"] for run in runs)
    return {
        "one_us": one,
        "two_us": two,
        "throughput": throughput,
        "immortal": runs[0]["immortal"],
    }


def main() -> None:
    """Measure and print."""
    options = parse(__doc__ or "")
    emit(options, measure(options))


if __name__ == "__main__":
    main()
