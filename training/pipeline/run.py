"""Everything in its order, each table into Parquet files before the next is computed from it."""

import json
import shutil
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from time import monotonic
from typing import TypeVar

import ibis.expr.types as ir
from ibis.backends import BaseBackend

from training.constants import NEGATIVES, REACH
from training.pipeline import (
    asof,
    cooccurrence,
    examples,
    factors,
    log,
    popularity,
    reading,
    served,
)

SEED = 20261122
"""Of the factors: the same log gives the same ones by the same engine."""
DONE = "pipeline.json"
"""Written last: a folder without it is not whole."""

T = TypeVar("T")
Tell = Callable[[str, float | None], None]
"""Told of a step when it begins, and of its seconds when it has ended."""


@dataclass(frozen=True)
class Recipe:
    """What may be chosen: of how many users one is asked for examples, and how wide it is looked.

    The defaults are what `braid train` does; larger logs want fewer examples of each. Without
    ``factors`` only what both engines make alike is made.
    """

    every: int = 1
    negatives: int = NEGATIVES
    reach: int = REACH
    factors: bool = True


def run(
    engine: BaseBackend,
    source: str,
    folder: Path,
    recipe: Recipe,
    tell: Tell,
    exported: Path | None = None,
) -> dict[str, float]:
    """Compute every table from the events in ``source``; return the seconds that each took.

    A table is a folder of Parquet files, in no order, written anew. ``exported`` is a folder of
    `braid log export`: what was served is labelled, too.
    """
    folder.mkdir(parents=True, exist_ok=True)
    (folder / DONE).unlink(missing_ok=True)
    seconds: dict[str, float] = {}

    def timed(name: str, work: Callable[[], T]) -> T:
        tell(name, None)
        began = monotonic()
        done = work()
        seconds[name] = monotonic() - began
        tell(name, seconds[name])
        return done

    def keep(name: str, table: ir.Table) -> ir.Table:
        return timed(name, lambda: written(engine, table, folder / name))

    events = reading.events(engine, source)
    users = keep("users", log.users(events))
    items = keep("items", log.items(events))
    consumed = keep("log", log.log(events, users, items))
    keep("popularity", popularity.popularity(consumed))
    keep("neighbours", cooccurrence.neighbours(consumed, recipe.reach))
    keep("user_features", asof.at_the_end(consumed, "user"))
    keep("item_features", asof.at_the_end(consumed, "item"))
    asked = keep("requests", examples.requests(consumed, recipe.every))
    labelled = keep("labelled", examples.labelled(consumed, asked, recipe.negatives))
    keep("examples", examples.examples(consumed, labelled))
    if exported is not None:
        logs = (engine.read_parquet(exported / log / "*.parquet") for log in ("features", "events"))
        keep("served", served.labels(*logs))
    if recipe.factors:
        write = factors.write_factors
        n_items = int(items.count().execute())
        timed("factors", lambda: write(engine, folder / "log", n_items, folder / "factors", SEED))
    about = {"engine": engine.name, "recipe": asdict(recipe), "seconds": seconds}
    (folder / DONE).write_text(json.dumps(about, indent=1))
    return seconds


def written(engine: BaseBackend, table: ir.Table, folder: Path) -> ir.Table:
    """Write a table as Parquet files into a folder, and return it as read from there."""
    shutil.rmtree(folder, ignore_errors=True)
    if engine.name == "duckdb":
        folder.mkdir()
        engine.to_parquet(table, folder / "part-0.parquet", compression="zstd")
        return engine.read_parquet(folder / "*.parquet")
    engine.to_parquet_dir(table, folder)
    return engine.read_parquet(folder)
