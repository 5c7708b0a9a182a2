"""`braid vectors`."""

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from service.artifacts import locate
from service.mapped import MappedModels
from service.settings import check_address
from service.terminal.bars import Bars
from service.terminal.console import console
from service.vectors.vector_set import LOADING_TIMEOUT_S, VectorSet


def vectors(
    *,
    to: Annotated[str, Parameter(validator=check_address)],
    artifact: Path = Path("artifacts"),
    mapped: Path | None = None,
) -> None:
    """Load a model's vectors into a Redis 8 vector set, for `service.vectors:nearest`.

    What was interrupted goes on where it ended.

    Parameters
    ----------
    to
        URL of the Redis that is to keep them.
    artifact
        An artifact, or a folder of artifacts, of which the newest is taken.
    mapped
        Where it is laid out to be mapped, if it is.

    """
    snapshot = MappedModels(mapped).read(locate(artifact)).snapshot
    engine = VectorSet.at(to, LOADING_TIMEOUT_S)
    with Bars(console) as bars:
        engine.load(snapshot, bars)
    console.print(f"{engine.holds(snapshot.version)} vectors of {snapshot.version} are there.")
    engine.close()
