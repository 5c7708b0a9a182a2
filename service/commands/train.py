"""`braid train`."""

from pathlib import Path

from service.commands._data import Data
from service.terminal.bars import Bars
from service.terminal.console import console
from training.train import SEED
from training.train import train as learn


def train(
    data: Data = Data(),  # noqa: B008  frozen, so sharing it is safe
    *,
    out: Path = Path("artifacts"),
    seed: int = SEED,
) -> None:
    """Learn a model and publish it as an artifact; from MovieLens 100k unless told otherwise.

    Parameters
    ----------
    out: The folder that gets the artifact, under its version.
    seed: The same data and seed give the same model.

    """
    with Bars(console) as bars:
        path = learn(data.read(bars), out, seed, bars)
    console.print(f"Published {path}")
