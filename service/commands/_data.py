"""The data set that a command's flags name."""

from dataclasses import dataclass
from pathlib import Path

from cyclopts import Parameter

from service.errors import Mendable
from training.datasets import Dataset, movielens, tables
from training.datasets.errors import DataError
from training.progress import Progress


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True, slots=True)
class Data:
    """MovieLens 100k, or tables of one's own."""

    interactions: Path | None = None
    """CSV or Parquet with user_id, item_id, timestamp (and rating); MovieLens 100k without it."""

    items: Path | None = None
    """CSV or Parquet with item_id and any properties."""

    users: Path | None = None
    """CSV or Parquet with user_id and any properties."""

    def read(self, progress: Progress) -> Dataset:
        """Read the data, fetching MovieLens first where it is not there yet.

        Raises:
            Mendable: names the file, the column and the remedy.
        """
        try:
            if self.interactions is None:
                return movielens.fetch(progress=progress)
            return tables.read(self.interactions, self.items, self.users)
        except DataError as fault:
            raise Mendable(str(fault)) from fault
