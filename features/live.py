"""What all users do of late, per item, in sliding windows: a function of the events and the time.

Everything is a sum of integers, so neither the order of the events nor the way they came (one by
one, or as counts that the store has summed up) makes a difference: two replicas agree to the bit.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from features.events import BUCKET_MS, BUCKETS, CLICK, IMPRESSION, TREND, WEIGHT_UNIT
from features.types import Items, Live

WINDOWS_S: Final = (3600, 86_400)
HALF_LIFE_S: Final = 3600

type Longs = NDArray[np.int64]

KINDS: Final = IMPRESSION + CLICK + TREND
"""Of each, the place is its number here."""

_SPANS = tuple(seconds * 1000 // BUCKET_MS for seconds in WINDOWS_S)
_TREND = 2 * len(_SPANS)  # the row of the totals behind those of impressions and of clicks
_ONE = 2**20
_DECAY: Longs = np.rint(
    _ONE * 0.5 ** (np.arange(BUCKETS) * BUCKET_MS / (HALF_LIFE_S * 1000))
).astype(np.int64)
_ROOM = 1024


@dataclass(frozen=True, slots=True)
class Tally:
    """The counts of one moment, of the items that have any.

    ``impressions`` and ``clicks`` are float32[w, m], a row for each of `WINDOWS_S`; ``trend`` is
    float32[m], weights of which an interaction's halves every `HALF_LIFE_S`.
    """

    item_ids: tuple[str, ...]
    impressions: NDArray[np.float32]
    clicks: NDArray[np.float32]
    trend: NDArray[np.float32]


class Counts:
    """Counts by bucket, kind and item, and their sums over the windows that end now.

    A bucket later than now waits for its time; one that no window reaches is forgotten, and with
    the last of its counts an item.
    """

    def __init__(self, now: int) -> None:
        self._now = now
        self._columns: dict[str, int] = {}
        self._buckets: dict[int, tuple[Longs, Longs]] = {}  # keys, each once, and amounts
        self._fresh: dict[int, dict[int, int]] = {}
        self._totals: Longs = np.zeros((_TREND + 1, _ROOM), np.int64)

    def add(self, bucket: int, kind: str, item_id: str, amount: int) -> None:
        """Count ``amount`` more of a kind, one of `KINDS`."""
        age, number = self._now - bucket, KINDS.index(kind)
        if age >= BUCKETS:
            return
        column = self._columns.setdefault(item_id, len(self._columns))
        if column == self._totals.shape[1]:
            self._totals = np.pad(self._totals, ((0, 0), (0, column)))
        fresh, key = self._fresh.setdefault(bucket, {}), column * len(KINDS) + number
        fresh[key] = fresh.get(key, 0) + amount
        for row, weight in _shares(age, number):
            self._totals[row, column] += weight * amount

    def advance(self, now: int) -> bool:
        """Let the windows end with another bucket; return whether that changes anything."""
        if now <= self._now:
            return False
        self._now = now
        for bucket in list(self._fresh):
            self._pack(bucket)
        for bucket in [one for one in self._buckets if now - one >= BUCKETS]:
            del self._buckets[bucket]
        had = bool(self._columns)
        self._relabel()
        self._totals = np.zeros((_TREND + 1, max(_ROOM, 2 * len(self._columns))), np.int64)
        for bucket, (keys, amounts) in self._buckets.items():
            columns, numbers = np.divmod(keys, len(KINDS))
            for number in range(len(KINDS)):
                mine = numbers == number
                for row, weight in _shares(now - bucket, number):
                    self._totals[row, columns[mine]] += weight * amounts[mine]
        return had

    def tally(self) -> Tally:
        """Return the sums over the windows, as they are now."""
        totals = self._totals[:, : len(self._columns)]
        windows = totals[:_TREND].astype(np.float32)
        trend = (totals[_TREND] * (WEIGHT_UNIT / _ONE)).astype(np.float32)
        return Tally(tuple(self._columns), windows[: len(_SPANS)], windows[len(_SPANS) :], trend)

    def _pack(self, bucket: int) -> None:
        """Make arrays of what was counted one by one."""
        fresh = self._fresh.pop(bucket)
        keys = np.fromiter(fresh.keys(), np.int64, len(fresh))
        amounts = np.fromiter(fresh.values(), np.int64, len(fresh))
        if bucket in self._buckets:
            old_keys, old_amounts = self._buckets[bucket]
            keys, places = np.unique(np.concatenate((old_keys, keys)), return_inverse=True)
            summed = np.zeros(len(keys), np.int64)
            np.add.at(summed, places, np.concatenate((old_amounts, amounts)))
            amounts = summed
        self._buckets[bucket] = keys, amounts

    def _relabel(self) -> None:
        """Leave out the items that no bucket counts any more."""
        kept = [keys // len(KINDS) for keys, _ in self._buckets.values()]
        used = np.unique(np.concatenate(kept)) if kept else np.empty(0, np.int64)
        item_ids = list(self._columns)
        self._columns = {item_ids[column]: place for place, column in enumerate(used.tolist())}
        for bucket, (keys, amounts) in self._buckets.items():
            columns, numbers = np.divmod(keys, len(KINDS))
            self._buckets[bucket] = np.searchsorted(used, columns) * len(KINDS) + numbers, amounts


def _shares(age: int, number: int) -> Iterable[tuple[int, int]]:
    """Yield which rows of the totals a count of that age belongs to, and how much of it."""
    if age < 0:
        return
    if KINDS[number] == TREND:
        yield _TREND, int(_DECAY[age])
        return
    for place, span in enumerate(_SPANS):
        if age < span:
            yield number * len(_SPANS) + place, 1


def live_of(tally: Tally, items: Items, places: Items, size: int) -> Live:
    """Lay a tally out over a catalogue of ``size`` items.

    ``items`` are int64[k], the ordinals of those items of the tally that the catalogue has, and
    ``places`` int64[k] tells where in the tally they stand.
    """
    windows = np.zeros((2, len(WINDOWS_S), size), np.float32)
    windows[0][:, items] = tally.impressions[:, places]
    windows[1][:, items] = tally.clicks[:, places]
    trend = np.zeros(size, np.float32)
    trend[items] = tally.trend[places]
    hot = np.sort(items[trend[items] > 0])
    trending = hot[np.argsort(-trend[hot], kind="stable")]
    for array in (windows, trend, trending):
        array.flags.writeable = False
    return Live(windows[0], windows[1], trend, trending)
