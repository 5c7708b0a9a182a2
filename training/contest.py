"""Have the peers recommend, in their own environment, from the same split."""

import os
import subprocess
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from training.datasets import Dataset
from training.datasets.errors import DataError
from training.evaluate import SHARE
from training.interactions import Interactions
from training.peers.exchange import Lists, Log, Split, read_lists, write_split
from training.progress import Progress, silent

ROOT: Final = Path(__file__).parents[1]
PYTHON: Final = ROOT / ".venv-peers" / "bin" / "python"
TRIALS: Final = 40
"""Parameter sets that each peer may try."""


def contest(
    dataset: Dataset,
    seed: int,
    progress: Progress = silent,
    trials: int = TRIALS,
    python: Path = PYTHON,
) -> dict[str, Lists]:
    """Return what each peer recommends to each user, after its search for parameters.

    The peers are those whose libraries ``python`` has. They never see the test interactions.

    Raises:
        DataError: there is no such Python, or the peers failed; the message has their last words.
    """
    if not python.is_file():
        raise DataError(
            f"{python}: not there; make the peers' environment: python3 -m scripts.bootstrap peers"
        )
    with TemporaryDirectory(prefix="braid-peers-") as scratch:
        split, lists = Path(scratch, "split.npz"), Path(scratch, "lists.npz")
        write_split(split, split_for_peers(dataset))
        words = [str(word) for word in (split, lists, trials, seed)]
        _watch([str(python), "-m", "training.peers", *words], Path(scratch, "said"), progress)
        return read_lists(lists)


def split_for_peers(dataset: Dataset) -> Split:
    """Return the training part of the evaluation's split, and a validation cut of it."""
    train, _ = dataset.interactions.split(SHARE)
    fit, validation = train.split(SHARE)
    logs = (_log(part) for part in (train, fit, validation))
    return Split(train.n_users, len(dataset.catalogue), *logs)


def _log(part: Interactions) -> Log:
    return Log(part.users, part.items)


def _watch(command: list[str], said: Path, progress: Progress) -> None:
    """Run the peers on one thread each, and pass on how far they are."""
    one_thread = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "PYTHONWARNINGS": "ignore"}
    env = {**os.environ, **one_thread}
    with (
        said.open("w") as errors,
        subprocess.Popen(
            command, cwd=ROOT, env=env, stdout=subprocess.PIPE, stderr=errors, text=True
        ) as peers,
    ):
        for line in peers.stdout or ():
            done, total, _ = line.split(" ", 2)
            progress("peers", int(done), int(total))
    if peers.returncode != 0:
        raise DataError(f"the peers failed: {said.read_text().strip()[-500:]}")
