"""Who consumed what, and when: the columns that everything in this room is learnt from."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from features.types import Items


@dataclass(frozen=True, slots=True)
class Interactions:
    """Interactions sorted by user, then time; a user's repeats of an item keep the last.

    ``users`` int32[n] and ``items`` int32[n] are ordinals, ``times`` int64[n] Unix milliseconds.
    User i's stand at ``offsets`` int64[n_users + 1] [i] up to [i + 1].
    """

    users: NDArray[np.int32]
    items: NDArray[np.int32]
    times: NDArray[np.int64]
    offsets: NDArray[np.int64]

    @classmethod
    def of(
        cls,
        users: NDArray[np.int32],
        items: NDArray[np.int32],
        times: NDArray[np.int64],
        n_users: int,
    ) -> Interactions:
        """Sort; equal times keep the order given."""
        order = np.lexsort((times, users))
        pairs = np.stack((users[order], items[order]))
        # np.unique keeps the first of equals, so look from the end to keep the last.
        _, kept = np.unique(pairs[:, ::-1], axis=1, return_index=True)
        order = order[np.sort(len(order) - 1 - kept)]
        return cls._sorted(users[order], items[order], times[order], n_users)

    @classmethod
    def _sorted(
        cls,
        users: NDArray[np.int32],
        items: NDArray[np.int32],
        times: NDArray[np.int64],
        n_users: int,
    ) -> Interactions:
        offsets = np.searchsorted(users, np.arange(n_users + 1)).astype(np.int64)
        return cls(users, items, times, offsets)

    def __len__(self) -> int:
        """Return how many interactions there are."""
        return len(self.items)

    @property
    def n_users(self) -> int:
        """Return how many users there are, with or without interactions."""
        return len(self.offsets) - 1

    def of_user(self, user: int) -> Items:
        """Return a user's items int64[h], most recent first: a request's history."""
        own = self.items[self.offsets[user] : self.offsets[user + 1]]
        return own[::-1].astype(np.int64)

    def times_of_user(self, user: int) -> NDArray[np.int64]:
        """Return when each of `of_user` was, Unix ms int64[h]."""
        return self.times[self.offsets[user] : self.offsets[user + 1]][::-1].astype(np.int64)

    def split(self, share: float) -> tuple[Interactions, Interactions]:
        """Split each user's interactions by time into (earlier, later).

        ``share`` of them, rounded and at least one, is the later part; a user with a single
        interaction keeps it in the earlier part.
        """
        counts = np.diff(self.offsets)
        later_counts = np.where(counts > 1, np.maximum(np.rint(counts * share), 1), 0)
        first_later = self.offsets[1:] - later_counts.astype(np.int64)
        later = np.arange(len(self)) >= first_later[self.users]
        return self._where(~later), self._where(later)

    def _where(self, kept: NDArray[np.bool_]) -> Interactions:
        return self._sorted(self.users[kept], self.items[kept], self.times[kept], self.n_users)
