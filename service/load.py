"""Putting an artifact's rows and histories into the feature store."""

from collections.abc import Callable, Iterator, Sequence

from features import bulk
from features.client import Client, Deferred
from features.history import history_entry
from features.schema import Schema
from ranking.artifact import StoredRows
from service.catalogue.log import ChangeLog
from service.catalogue.writes import rows_again

type Progress = Callable[[str, int, int], None]
"""Called as ``progress(step, done, total)``."""

HISTORY_EVENT = "history"
"""The event type of interactions that came with the data set."""


def load(client: Client, stored: StoredRows, history_cap: int, progress: Progress) -> None:
    """Write item rows, user rows, and the histories of users who have none yet.

    Features that clients put after the artifact was made stay.

    Raises:
        redis.RedisError: the store refused or is gone; what was written stays, and loading
            again is safe.
    """
    items, users = Schema.parse(stored.schemas["item"]), Schema.parse(stored.schemas["user"])
    with_bar = _Bar("load", len(stored.item_ids) + 2 * len(stored.user_ids), progress)
    bulk.write_items(client, stored.item_ids, stored.item_rows, items, with_bar)
    log = ChangeLog(Deferred.of(client))
    log.write_rows(rows_again(log.read(after=0).records, stored))
    bulk.write_users(client, stored.user_ids, stored.user_rows, users, with_bar)
    bulk.write_histories(client, _histories(stored), history_cap, with_bar)


class _Bar:
    """Turns "so many more" into "done of total"."""

    def __init__(self, step: str, total: int, progress: Progress) -> None:
        self._step, self._total, self._progress = step, total, progress
        self._done = 0
        progress(step, 0, total)

    def __call__(self, more: int) -> None:
        self._done += more
        self._progress(self._step, self._done, self._total)


def _histories(stored: StoredRows) -> Iterator[tuple[str, Sequence[str]]]:
    offsets = stored.history_offsets.tolist()
    for user, user_id in enumerate(stored.user_ids):
        mine = slice(offsets[user], offsets[user + 1])
        items = stored.history_items[mine][::-1].tolist()
        times = stored.history_times[mine][::-1].tolist()
        yield (
            user_id,
            [
                history_entry(stored.item_ids[item], HISTORY_EVENT, time)
                for item, time in zip(items, times, strict=True)
            ],
        )
