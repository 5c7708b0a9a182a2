"""`braid load`."""

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from features.client import connect
from ranking.artifact import read_store
from service.artifacts import locate
from service.load import load as load_into
from service.settings import check_address
from service.terminal.bars import Bars
from service.terminal.console import console


def load(
    *,
    redis: Annotated[
        str, Parameter(help="URL of the feature store (docs/redis.md).", validator=check_address)
    ],
    artifact: Path = Path("artifacts"),
    history_cap: int = 1000,
) -> None:
    """Write an artifact's feature rows into Redis, and the histories of users who have none.

    Several partitions at a time. If it is interrupted, the same command goes on where it was.

    Parameters
    ----------
    artifact
        An artifact, or a folder of artifacts, of which the newest is taken.
    history_cap
        Interactions kept per user.

    """
    folder = locate(artifact)
    with Bars(console) as bars, connect(redis) as client:
        stored = read_store(folder)
        load_into(client, stored, history_cap, bars, f"{folder.name} {stored.made_at}")
    console.print(
        f"Loaded {folder.name} in {bars.seconds:.1f} s: {len(stored.item_ids)} items, "
        f"{len(stored.user_ids)} users"
    )
