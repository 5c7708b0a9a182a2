"""Everything that retrieval needs, learnt from one set of interactions."""

from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ranking.columns import ItemLayout, ranker_columns
from ranking.scorers import LinearScorer
from ranking.snapshot import Snapshot
from training.added import added_times
from training.datasets import Dataset
from training.embeddings import item_embeddings
from training.interactions import Interactions
from training.liking import liking
from training.neighbours import neighbours
from training.popularity import decayed

UNPUBLISHED: Final = "unpublished"


class Learnt(NamedTuple):
    """What retrieval needs of a log, as `ranking.snapshot.Snapshot` has it."""

    embeddings: NDArray[np.float32]
    neighbours: NDArray[np.int32]
    neighbour_scores: NDArray[np.float32]
    popularity: NDArray[np.float32]


def fit(dataset: Dataset, interactions: Interactions, seed: int) -> Snapshot:
    """Learn embeddings, neighbours and popularities from these interactions and no others.

    The snapshot's scorer gives every row 0: a ranker comes later, if at all.
    """
    n_items = len(dataset.catalogue)
    learnt = Learnt(
        item_embeddings(interactions, n_items, seed),
        *neighbours(interactions, n_items),
        decayed(interactions, n_items),
    )
    return assembled(dataset, interactions, learnt)


def assembled(dataset: Dataset, interactions: Interactions, learnt: Learnt) -> Snapshot:
    """Make the snapshot of what was learnt, here or elsewhere, from these interactions."""
    item_columns, user_columns = dataset.item_schema.columns, dataset.user_schema.columns
    layout = ItemLayout.of(dataset.schemas["item"])
    columns = ranker_columns(item_columns, user_columns, layout)
    return Snapshot(
        version=UNPUBLISHED,
        catalogue=dataset.catalogue,
        **learnt._asdict(),
        item_rows=dataset.item_rows,
        item_columns=item_columns,
        user_columns=user_columns,
        schemas=dataset.schemas,
        scorer=LinearScorer(np.zeros(len(columns), np.float32), 0.0, columns),
        added_ms=added_times(dataset.catalogue, interactions),
        segments=liking(
            interactions, dataset.user_rows, dataset.schemas["user"], len(dataset.catalogue)
        ),
    )
