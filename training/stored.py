"""A data set's rows and histories, as an artifact holds them."""

from ranking.artifact import StoredRows
from training.datasets import Dataset
from training.interactions import Interactions


def as_stored(dataset: Dataset, interactions: Interactions) -> StoredRows:
    """Return what `ranking.artifact.read_store` reads once it is published."""
    return StoredRows(
        item_ids=dataset.catalogue.ids,
        item_rows=dataset.item_rows,
        user_ids=dataset.user_ids,
        user_rows=dataset.user_rows,
        history_items=interactions.items,
        history_times=interactions.times,
        history_offsets=interactions.offsets,
        schemas=dataset.schemas,
    )
