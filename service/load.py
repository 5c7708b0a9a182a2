"""Putting an artifact's rows and histories into the feature store, several partitions at a time."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from threading import Lock
from typing import Final

import numpy as np
from numpy.typing import NDArray

from features import bulk, keys
from features.client import Client, Deferred
from features.history import history_entry
from features.schema import Schema
from ranking.artifact import StoredRows
from service.catalogue.log import ChangeLog
from service.catalogue.writes import rows_again

type Progress = Callable[[str, int, int], None]
"""Called as ``progress(step, done, total)``."""

type Ordinals = NDArray[np.int64]

HISTORY_EVENT = "history"
"""The event type of interactions that came with the data set."""
WRITERS: Final = 4
"""Threads that encode and wait for the store: more than this one server does not take faster."""


def load(
    client: Client, stored: StoredRows, history_cap: int, progress: Progress, name: str = ""
) -> None:
    """Write item rows, user rows, and the histories of users who have none yet.

    Each partition is written by one of several threads, and then marked in the store itself as
    ``name`` loaded it: who loads the same name after an interruption begins behind the partitions
    that are marked. What writes twice writes the same. When all is there the marks go. Without a
    name nothing is marked. Features that clients put after the artifact was made stay.

    Raises:
        redis.RedisError: the store refused or is gone; what was written stays, and loading
            again is safe.
    """
    with_bar = _Bar("load", len(stored.item_ids) + 2 * len(stored.user_ids), progress)
    items, users = _by_partition(stored.item_ids), _by_partition(stored.user_ids)

    def write(part: int) -> None:
        if not name or client.get(keys.loaded(part)) != name.encode():
            _write(client, stored, items[part], users[part], history_cap, with_bar)
            if name:
                client.set(keys.loaded(part), name)
        else:
            with_bar(len(items[part]) + 2 * len(users[part]))

    with ThreadPoolExecutor(WRITERS, "load") as writers:
        for _ in writers.map(write, range(keys.PARTITIONS)):
            pass
    log = ChangeLog(Deferred.of(client))
    log.write_rows(rows_again(log.read(after=0).records, stored))
    if name:
        for part in range(keys.PARTITIONS):
            client.delete(keys.loaded(part))


def _write(
    client: Client,
    stored: StoredRows,
    items: Ordinals,
    users: Ordinals,
    history_cap: int,
    advance: bulk.Advance,
) -> None:
    """Write the items and users of one partition."""
    item_schema, user_schema = (Schema.parse(stored.schemas[name]) for name in ("item", "user"))
    item_ids = [stored.item_ids[item] for item in items.tolist()]
    bulk.write_items(client, item_ids, stored.item_rows[items], item_schema, advance)
    user_ids = [stored.user_ids[user] for user in users.tolist()]
    bulk.write_users(client, user_ids, stored.user_rows[users], user_schema, advance)
    bulk.write_histories(client, _histories(stored, users.tolist()), history_cap, advance)


def _by_partition(ids: Sequence[str]) -> list[Ordinals]:
    """Return the ordinals of each partition, int64[*]."""
    parts = np.fromiter(map(keys.partition, ids), np.uint8, len(ids))
    order = np.argsort(parts, kind="stable")
    return np.split(order, np.searchsorted(parts[order], np.arange(1, keys.PARTITIONS)))


class _Bar:
    """Turns "so many more" of several threads into "done of total"."""

    def __init__(self, step: str, total: int, progress: Progress) -> None:
        self._step, self._total, self._progress = step, total, progress
        self._done = 0
        self._counting = Lock()  # taken once for some hundred rows
        progress(step, 0, total)

    def __call__(self, more: int) -> None:
        with self._counting:
            self._done += more
            self._progress(self._step, self._done, self._total)


def _histories(stored: StoredRows, users: Iterable[int]) -> Iterator[tuple[str, Sequence[str]]]:
    for user in users:
        mine = slice(*stored.history_offsets[user : user + 2].tolist())
        items = stored.history_items[mine][::-1].tolist()
        times = stored.history_times[mine][::-1].tolist()
        yield (
            stored.user_ids[user],
            [
                history_entry(stored.item_ids[item], HISTORY_EVENT, time)
                for item, time in zip(items, times, strict=True)
            ],
        )
