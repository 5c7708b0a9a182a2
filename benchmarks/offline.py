"""Time the offline pipeline on DuckDB and on Spark over one synthetic log, and compare every bit.

    python -m benchmarks.offline [--short | --tiny] [--json]

20 million interactions of 200,000 users with 20,000 items over two years (short: 2 million; tiny:
20 thousand), both heavy-tailed. Each engine may take 4 GB and all cores, one after the other.
Examples are taken of one user in 20, and pairs up to 5 places apart: that decides the time of
both engines alike, and the comparison is of what they make of the same recipe.
"""

import json
import os
import subprocess
import tempfile
from pathlib import Path
from time import monotonic
from typing import Any

import numpy as np
import pyarrow as pa
from pyarrow import parquet

from benchmarks.options import Options, emit, parse, say
from benchmarks.servers import ROOT

PYTHON = ROOT / ".venv-offline" / "bin" / "python"
DAYS_MS = 2 * 365 * 86_400_000
RECIPE = ("--no-factors", "--every", "20", "--negatives", "20", "--reach", "5", "--memory", "4g")
TABLES = (
    "users",
    "items",
    "log",
    "popularity",
    "neighbours",
    "user_features",
    "item_features",
    "requests",
    "labelled",
    "examples",
)


def synthetic(path: Path, interactions: int, seed: int = 20261123) -> None:
    """Write a log: people's activity lognormal, items' popularity by Zipf's law, evenly in time."""
    rng = np.random.default_rng(seed)
    n_users, n_items = max(interactions // 100, 10), max(interactions // 1000, 100)
    activity = rng.lognormal(0.0, 1.0, n_users).cumsum()
    popularity = (1.0 / np.arange(1, n_items + 1) ** 0.8).cumsum()
    with parquet.ParquetWriter(path, _SCHEMA) as writer:
        for low in range(0, interactions, 2_000_000):
            n = min(2_000_000, interactions - low)
            columns = (
                np.searchsorted(activity, rng.random(n) * activity[-1]).astype(np.int32),
                np.searchsorted(popularity, rng.random(n) * popularity[-1]).astype(np.int32),
                1_700_000_000_000 + rng.integers(0, DAYS_MS, n),
            )
            writer.write_table(pa.table(dict(zip(_SCHEMA.names, columns, strict=True)), _SCHEMA))


_SCHEMA = pa.schema({"user_id": pa.int32(), "item_id": pa.int32(), "timestamp": pa.int64()})


def ran(engine: str, source: Path, into: Path) -> dict[str, Any]:
    """Run the pipeline by one engine, and return what it took, with the machine's load."""
    said = into.with_suffix(".log")
    words = ["--engine", engine, "--interactions", str(source), "--into", str(into), *RECIPE]
    began = monotonic()
    with said.open("w") as log:
        run = subprocess.run(
            [str(PYTHON), "-m", "training.pipeline", *words],
            cwd=ROOT,
            stdout=log,
            stderr=log,
            check=False,
        )
    if run.returncode:
        raise SystemExit(f"{engine} failed:\n{said.read_text()[-2000:]}")
    told = json.loads((into / "pipeline.json").read_text())
    seconds = {name: round(value, 1) for name, value in told["seconds"].items()}
    whole = round(monotonic() - began, 1)
    return {"seconds": whole, "steps_s": seconds, "load_average": round(os.getloadavg()[0], 1)}


def compared(one: Path, other: Path) -> dict[str, bool]:
    """Tell of each table whether both engines made the same bits of it."""
    program = (
        "import sys, json; from pathlib import Path; from training.pipeline.comparison import *;"
        "a, b, *names = sys.argv[1:];"
        "print(json.dumps(differences(Path(a), Path(b), tuple(names))))"
    )
    command = [str(PYTHON), "-c", program, str(one), str(other), *TABLES]
    found = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True)
    differing = json.loads(found.stdout)
    return {name: name not in differing for name in TABLES}


def measure(options: Options) -> dict[str, Any]:
    """Run both engines on the same log."""
    interactions = options.pick(20_000_000, 2_000_000, 20_000)
    with tempfile.TemporaryDirectory(prefix="braid-offline-") as scratch:
        folder = Path(scratch)
        source = folder / "log.parquet"
        say(f"making {interactions:,} interactions")
        synthetic(source, interactions)
        results: dict[str, Any] = {"interactions": interactions, "recipe": " ".join(RECIPE)}
        for engine in ("duckdb", "spark"):
            say(engine)
            results[engine] = ran(engine, source, folder / engine)
        say("comparing")
        results["identical"] = compared(folder / "duckdb", folder / "spark")
        rows = {
            name: parquet.ParquetDataset(folder / "duckdb" / name).read(columns=[]).num_rows
            for name in TABLES
        }
        results["rows"] = rows
    return results


if __name__ == "__main__":
    if not PYTHON.is_file():
        raise SystemExit("no environment: run python3 -m scripts.bootstrap offline")
    chosen = parse(__doc__ or "")
    emit(chosen, measure(chosen))
