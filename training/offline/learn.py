"""From a folder of the pipeline to a snapshot."""

from dataclasses import replace
from pathlib import Path

from ranking.scorers import ForestScorer
from ranking.snapshot import Snapshot
from training.datasets import Dataset
from training.fit import assembled
from training.offline.examples import rows_then
from training.offline.prepared import Prepared
from training.offline.tables import Tables
from training.progress import Progress, silent
from training.ranker import lambdamart


def learn_from(
    folder: Path, dataset: Dataset, seed: int, progress: Progress = silent
) -> tuple[Dataset, Snapshot, str]:
    """Return the data set with the pipeline's features, the snapshot, and its model text.

    ``dataset`` is what the pipeline read its interactions from, with the attributes of users and
    items.

    Raises:
        DataError: the folder is not whole, or was made from other data.
    """
    prepared = Prepared.of(dataset, Tables.of(folder, dataset))
    examples = rows_then(prepared, seed, progress)
    model_text = lambdamart(examples, seed, progress)
    dataset = prepared.dataset
    snapshot = assembled(dataset, dataset.interactions, prepared.learnt)
    scorer = ForestScorer.load(model_text, examples.columns)
    return dataset, replace(snapshot, scorer=scorer), model_text
