"""From a data set to a published artifact."""

from dataclasses import replace
from pathlib import Path
from typing import Final

from ranking.scorers import ForestScorer
from ranking.snapshot import Snapshot
from training.datasets import Dataset
from training.examples import examples
from training.fit import fit
from training.interactions import Interactions
from training.offline import learn_from
from training.progress import Progress, silent
from training.publish import publish
from training.ranker import lambdamart
from training.served import read_served

SEED: Final = 20261122


def learn(
    dataset: Dataset,
    interactions: Interactions,
    seed: int = SEED,
    progress: Progress = silent,
    *,
    live: bool = False,
    served: Path | None = None,
) -> tuple[Snapshot, str]:
    """Learn from these interactions alone: the snapshot that serves them, and its model text.

    With ``live`` the model also sees what moves from minute to minute. ``served`` is a folder of
    `braid log export`: the ranker learns from what was served, too.

    Raises:
        DataError: there is nothing to learn from, or what was served has other columns.
    """
    past = examples(dataset, interactions, seed, progress, live=live)
    if served is not None:
        past = past.joined(read_served(served, past.columns))
    model_text = lambdamart(past, seed, progress)
    progress("fit", 0, 1)
    snapshot = fit(dataset, interactions, seed)
    scorer = ForestScorer.load(model_text, past.columns)
    progress("fit", 1, 1)
    return replace(snapshot, scorer=scorer), model_text


def train(
    dataset: Dataset,
    folder: Path,
    seed: int = SEED,
    progress: Progress = silent,
    *,
    live: bool = False,
    served: Path | None = None,
    pipeline: Path | None = None,
) -> Path:
    """Learn from the whole data set as `learn` does, publish an artifact, return its path.

    ``pipeline`` is a folder that `training.pipeline` made of the same interactions: features,
    retrieval and examples are then its own, and ``live`` and ``served`` are not asked for.
    """
    if pipeline is not None:
        dataset, snapshot, model_text = learn_from(pipeline, dataset, seed, progress)
    else:
        snapshot, model_text = learn(
            dataset, dataset.interactions, seed, progress, live=live, served=served
        )
    progress("publish", 0, 1)
    path = publish(folder, dataset, dataset.interactions, snapshot, model_text)
    progress("publish", 1, 1)
    return path
