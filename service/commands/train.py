"""`braid train`."""

from pathlib import Path

from service.commands._data import Data
from service.errors import Mendable
from service.terminal.bars import Bars
from service.terminal.console import console
from training.datasets.errors import DataError
from training.train import SEED
from training.train import train as learn


def train(
    data: Data = Data(),  # noqa: B008  frozen, so sharing it is safe
    *,
    out: Path = Path("artifacts"),
    seed: int = SEED,
    live: bool = False,
    served: Path | None = None,
    from_pipeline: Path | None = None,
) -> None:
    """Learn a model and publish it as an artifact; from MovieLens 100k unless told otherwise.

    Parameters
    ----------
    out
        The folder that gets the artifact, under its version.
    seed
        The same data and seed give the same model.
    live
        Let the model see live counts and the times of interactions (docs/scoring.md).
    served
        A folder of `braid log export`: learn from what was served, too.
    from_pipeline
        A folder that `make offline` made of the same interactions: features, retrieval and
        examples are those that DuckDB or Spark computed (docs/offline.md).

    """
    if from_pipeline is not None and (live or served is not None):
        raise Mendable("--from-pipeline: leave out --live and --served, which it does not know")
    try:
        with Bars(console) as bars:
            path = learn(
                data.read(bars),
                out,
                seed,
                bars,
                live=live,
                served=served,
                pipeline=from_pipeline,
            )
    except DataError as fault:
        raise Mendable(str(fault)) from fault
    console.print(f"Published {path} in {bars.seconds:.0f} s")
