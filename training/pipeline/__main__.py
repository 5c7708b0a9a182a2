"""Run the pipeline: python -m training.pipeline --interactions FILE --into FOLDER."""

import argparse
import os
from pathlib import Path

from rich.console import Console

from training.pipeline.engines import ENGINES, opened
from training.pipeline.run import Recipe, run


def main() -> None:
    """Compute every table, and tell what each took."""
    read = arguments()
    console = Console()
    settings = dict(setting.split("=", 1) for setting in read.set)
    recipe = Recipe(read.every, read.negatives, read.reach, not read.no_factors)
    with (
        opened(read.engine, read.memory, read.master, settings) as engine,
        console.status("starting") as status,
    ):

        def tell(step: str, seconds: float | None) -> None:
            if seconds is None:
                status.update(step)
            else:
                console.print(f"{step:<16}{seconds:8.1f} s")

        seconds = run(engine, read.interactions, read.into, recipe, tell, read.served)
    load = os.getloadavg()[0]
    console.print(f"{read.engine}: {sum(seconds.values()):.1f} s, load average {load:.1f}")


def arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="python -m training.pipeline", description=__doc__)
    parser.add_argument("--interactions", required=True, help="CSV, TSV, .inter or Parquet")
    parser.add_argument("--into", required=True, type=Path, help="the folder to write")
    parser.add_argument("--served", type=Path, help="a folder of `braid log export`")
    parser.add_argument("--engine", choices=ENGINES, default="duckdb")
    parser.add_argument("--memory", default="4g", help="for DuckDB, or each of Spark's JVMs")
    parser.add_argument("--master", default="local[*]", help="Spark's master")
    parser.add_argument("--set", action="append", default=[], help="spark.NAME=VALUE")
    default = Recipe()
    parser.add_argument("--every", type=int, default=default.every, help="one user in so many")
    parser.add_argument("--negatives", type=int, default=default.negatives)
    parser.add_argument("--reach", type=int, default=default.reach, help="places apart")
    parser.add_argument("--no-factors", action="store_true", help="no embeddings: tables only")
    return parser.parse_args()


if __name__ == "__main__":
    main()
