"""The names and the order of the columns that the ranker sees."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

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

WINDOWS: Final = ("1h", "1d")
"""The windows over which events are counted, shortest first, as `Live` has them."""

LIVE: Final = (
    *(f"live.impressions.{window}" for window in WINDOWS),  # log(1 + how often it was shown)
    *(f"live.clicks.{window}" for window in WINDOWS),  # log(1 + how often it was clicked)
    *(f"live.ctr.{window}" for window in WINDOWS),  # the smoothed rate of the two
    "live.trend",  # log(1 + weighted interactions that fade within hours)
)
"""What all users did of late; 0 where nothing is counted."""

FRESH: Final = (
    "history.idle",  # log(1 + hours since the last interaction)
    "session.length",  # log(1 + interactions of the last half hour)
    "attributes.session",  # how common its attributes are among those
    "attributes.week",  # the same over the history, where an item counts half after a week
)
"""What the asker did of late; 0 where the times are not known."""

EXTRA: Final = (*LIVE, *FRESH)
"""Columns behind all others, for a scorer that asks for them: what moves from minute to minute."""


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

    ``gap.year`` is the item's year minus the mean year of the recent history. `EXTRA` may be asked
    for besides.
    """
    return (
        *CROSS,
        *(f"gap.{item_columns[number]}" for number in layout.numbers),
        *(f"item.{name}" for name in item_columns),
        *(f"user.{name}" for name in user_columns),
    )


class Targets(NamedTuple):
    """Where in the scorer's rows each value belongs: the arguments of `ranking.write.write`."""

    cross_runs: NDArray[np.int64]
    item_runs: NDArray[np.int64]
    user_runs: NDArray[np.int64]
    gaps: NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which of the columns that `assemble` can make a scorer wants, and where.

    ``item_rows_alone`` tells that its rows are the stored item rows, just as they are.
    """

    targets: Targets
    any_opinion: bool
    any_taste: bool
    any_live: bool
    any_fresh: bool
    item_rows_alone: bool

    @classmethod
    def of(cls, wanted: Sequence[str], columns: Sequence[str], layout: ItemLayout) -> Wanted:
        """Find the wanted columns; raise ValueError where one is unknown."""
        place = {name: index for index, name in enumerate((*columns, *EXTRA))}
        unknown = [name for name in wanted if name not in place]
        if unknown:
            raise ValueError(f"the scorer asks for unknown columns: {', '.join(unknown)}")
        sources = np.array([place[name] for name in wanted], np.int64)
        gaps, items = len(CROSS), len(CROSS) + len(layout.numbers)
        users = items + len(layout.numbers) + len(layout.attributes)
        # The table of crosses ends in the extra columns.
        extra = sources - len(columns)
        crosses = np.where(extra >= 0, gaps + extra, np.where(sources < gaps, sources, -1))
        of_gaps = np.flatnonzero((gaps <= sources) & (sources < items))
        means = sources[of_gaps] - gaps
        targets = Targets(
            _runs(crosses, 0, gaps + len(EXTRA)),
            _runs(sources, items, users),
            _runs(sources, users, len(columns)),
            np.stack((means, layout.numbers[means], of_gaps), axis=1),
        )
        opinions = 2 * len(SOURCE_NAMES)
        return cls(
            targets,
            bool((sources < opinions).any()),
            bool(((opinions <= sources) & (sources < gaps)).any()),
            bool(((extra >= 0) & (extra < len(LIVE))).any()),
            bool((extra >= len(LIVE)).any()),
            np.array_equal(sources, np.arange(items, users)),
        )


def _runs(sources: NDArray[np.int64], low: int, high: int) -> NDArray[np.int64]:
    """Return int64[r, 3]: of the sources within [low, high) those that follow on each other.

    Each is (first source - low, where it stands, how many).
    """
    targets = np.flatnonzero((low <= sources) & (sources < high))
    found = sources[targets] - low
    starts = np.flatnonzero((np.diff(found, prepend=-2) != 1) | (np.diff(targets, prepend=-2) != 1))
    lengths = np.diff(starts, append=len(targets))
    return np.stack((found[starts], targets[starts], lengths), axis=1)
