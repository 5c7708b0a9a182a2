"""`braid batch`."""

import time
from contextlib import ExitStack, closing
from functools import partial
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter
from cyclopts.validators import Number
from rich.table import Table

from features.client import connect
from service.artifacts import locate
from service.cores import cores
from service.errors import SettingInvalid
from service.precompute.folder import opened
from service.precompute.ground import Ground, standing
from service.precompute.job import Job, JobSettings, digest, settings_digest
from service.precompute.outputs import Output
from service.precompute.recipe import Recipe
from service.precompute.run import Count, make_slates
from service.precompute.shelf import Shelf
from service.precompute.user_list import read_user_list
from service.settings import check_address
from service.terminal.bars import Bars
from service.terminal.console import console, warnings

DAYS_2_S = 2 * 86_400

type Count1 = Annotated[int, Parameter(validator=Number(gte=1))]


def batch(
    *,
    into: Path | None = None,
    to_redis: Annotated[str | None, Parameter(validator=check_address)] = None,
    ttl_s: Count1 = DAYS_2_S,
    artifact: Path = Path("artifacts"),
    redis: Annotated[str | None, Parameter(validator=check_address)] = None,
    feast: Path | None = None,
    surfaces: Path | None = None,
    surface: str = "home",
    users: Path | None = None,
    limit: Annotated[int | None, Parameter(validator=Number(gte=1, lte=200))] = None,
    seed: Annotated[int, Parameter(validator=Number(gte=0, lt=2**53))] = 0,
    history_cap: Annotated[int, Parameter(validator=Number(gte=1, lte=10_000))] = 1000,
    shard: Count1 = 1000,
    threads: Annotated[int, Parameter(validator=Number(gte=1, lte=256))] = cores(),
) -> None:
    """Make the slates of many users ahead of time, on every core, into files or Redis.

    They are those of POST /v1/recommendations, without its deadline. Killed and run again, it goes
    on where it was: the slates are the same.

    Parameters
    ----------
    into
        The folder that gets Parquet files, a row for each user.
    to_redis
        URL of the Redis that gets the slates as JSON, under a key for each user (docs/batch.md).
    ttl_s
        How long Redis keeps them, in seconds.
    artifact
        An artifact, or a folder of artifacts, of which the newest is taken.
    redis
        URL of the feature store; without it features and histories are those of the artifact.
    feast
        The TOML file that says which rows Feast writes, if the service has one.
    surfaces
        The TOML file of surfaces that the service has.
    surface
        The surface whose slates are made.
    users
        A text file with a user id on each line, or Parquet with a column user_id; without it all
        users of the artifact.
    limit
        Items in a slate; the surface's, if left out.
    seed
        Decides every draw, with the user's id.
    history_cap
        Interactions that are read of each user.
    shard
        Users to a file, which is what is lost when it is killed.
    threads
        Threads that make slates; all cores, if left out.

    """
    if into is None and to_redis is None:
        raise SettingInvalid("name a folder by --into, a Redis by --to-redis, or both")
    if feast is not None and redis is None:
        raise SettingInvalid("--feast needs --redis: histories are in Braid's own store")
    with ExitStack() as stack:
        bars = stack.enter_context(Bars(warnings))
        outputs: list[Output] = []
        if into is not None:
            outputs.append(stack.enter_context(opened(into)))
        if to_redis is not None:
            client = stack.enter_context(closing(connect(to_redis)))
            outputs.append(Shelf(client, surface, ttl_s))
        step = partial(bars, "item rows")
        ground = stack.enter_context(
            standing(locate(artifact), redis, surfaces, history_cap, step, feast)
        )
        if surface not in ground.surfaces.by_name:
            known = ", ".join(sorted(ground.surfaces.by_name))
            raise SettingInvalid(f"--surface={surface}: there is none; there are {known}")
        user_ids = ground.user_ids if users is None else read_user_list(users, surface)
        settings = JobSettings(
            model_version=ground.serving.snapshot.version,
            catalogue_serial=ground.serving.catalogue_serial,
            surface=surface,
            surface_settings=settings_digest(ground.surfaces, surface),
            limit=limit,
            seed=seed,
            history_cap=history_cap,
            users=len(user_ids),
            user_list=digest(user_ids),
            users_per_shard=shard,
        )
        recipe = Recipe.of(_job(settings, ground, outputs), ground.serving, ground.surfaces)
        began = time.monotonic()
        count = make_slates(
            recipe, user_ids, ground.users, outputs, threads, partial(bars, "slates")
        )
        console.print(_table(recipe.job, count, time.monotonic() - began, threads))


def _job(settings: JobSettings, ground: Ground, outputs: list[Output]) -> Job:
    """Return the job that was begun, or a new one; every output knows it then."""
    found = [output.job(settings) for output in outputs]
    begun = next((job for job in found if job is not None), None)
    job = begun or Job(settings, time.time_ns() // 1_000_000, ground.live)
    for output, own in zip(outputs, found, strict=True):
        if own != job:
            output.begin(job)
    return job


def _table(job: Job, count: Count, seconds: float, threads: int) -> Table:
    table = Table(show_header=False)
    table.add_row("model", job.settings.model_version)
    table.add_row("surface", job.settings.surface)
    table.add_row("slates", f"{count.made} made, {count.kept} were there")
    table.add_row("shards", f"{job.settings.shards} of {job.settings.users_per_shard} users")
    rate = f", {count.made / seconds:.0f} slates/s on {threads} threads" if count.made else ""
    table.add_row("took", f"{seconds:.1f} s{rate}")
    return table
