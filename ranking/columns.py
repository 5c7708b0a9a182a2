"""The names and the order of the columns that the ranker sees."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

SOURCE_NAMES: Final = ("vector", "cooccurrence", "popularity")
"""The retrieval sources, in the order of the columns of `Candidates.scores`."""

CROSS: Final = (
    *(f"source.{name}" for name in SOURCE_NAMES),  # the source's own score
    *(f"rank.{name}" for name in SOURCE_NAMES),  # the place that score gives among the candidates
    "taste.last",  # cosine to the item consumed last
    "taste.best",  # cosine to the closest of the recent items
    "taste.best_place",  # how many items ago that was
    "taste.long",  # mean cosine to the whole history
    "attributes.recent",  # how common its attributes are among the recent items
    "attributes.long",  # the same over the whole history
    "history.length",  # log(1 + items consumed)
)
"""The columns computed from context and candidate, ahead of the gaps and the stored rows."""


@dataclass(frozen=True, slots=True)
class ItemLayout:
    """Where in an item row the numbers and the attributes stand: column indices int64[*].

    ``numbers`` are the features with a single value (year, price), ``attributes`` the multi-hot
    ones (genre, tags).
    """

    numbers: NDArray[np.int64]
    attributes: NDArray[np.int64]

    @classmethod
    def of(cls, schema: dict[str, Any]) -> ItemLayout:
        """Read the layout off an item schema's JSON document."""
        numbers: list[int] = []
        attributes: list[int] = []
        column = 0
        for feature in schema["features"]:
            width = int(np.prod(feature.get("shape") or (), dtype=np.int64))
            kind = attributes if feature.get("shape") else numbers
            kind.extend(range(column, column + width))
            column += width
        return cls(np.array(numbers, np.int64), np.array(attributes, np.int64))


def ranker_columns(
    item_columns: Sequence[str], user_columns: Sequence[str], layout: ItemLayout
) -> tuple[str, ...]:
    """Return the names of all columns, in the order in which `assemble` writes them.

    ``gap.year`` is the item's year minus the mean year of the recent history.
    """
    return (
        *CROSS,
        *(f"gap.{item_columns[number]}" for number in layout.numbers),
        *(f"item.{name}" for name in item_columns),
        *(f"user.{name}" for name in user_columns),
    )


def group_lengths(numbers: int, width: int, total: int) -> dict[str, int]:
    """Return how many columns each group has that `assemble` makes, in their order.

    Args:
        numbers: how many of an item row's columns are numbers; each has a gap.
        width: of an item row.
        total: of all columns together.
    """
    opinions = 2 * len(SOURCE_NAMES)
    return {
        "opinions": opinions,
        "taste": len(CROSS) - opinions,
        "gaps": numbers,
        "item": width,
        "user": total - len(CROSS) - numbers - width,
    }
