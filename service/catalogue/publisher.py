"""Publishing a changed catalogue: one change at a time, each made beside what is served."""

import threading
from collections.abc import Callable
from time import perf_counter

from features.near_cache import NearCache
from features.schema import Schema
from features.types import Items
from ranking.extend import extend
from ranking.snapshot import Snapshot
from service.catalogue.changes import changes_of
from service.catalogue.grow import Growth
from service.catalogue.log import ChangeLog
from service.state import Serving, State

type Follow = Callable[[NearCache, Items], None]
"""Keeps a near cache coherent; its rows are read in that order."""


def replay(snapshot: Snapshot, log: ChangeLog) -> tuple[Snapshot, int]:
    """Return a snapshot with all that was ever put and retired, and the serial of the last.

    Raises:
        LogUnreachable: Redis did not say what that is.
    """
    told = log.read(after=0)
    if not told.records:
        return snapshot, told.serial
    schema = Schema.parse(snapshot.schemas["item"])
    return extend(snapshot, changes_of(told.records, snapshot, schema)), told.serial


class Publisher:
    """Brings what is served up to the latest word on the catalogue.

    Changes that arrive together are published together. A model that is swapped in goes through
    here, too: so no swap loses an item that was put or brings back one that was retired, and a
    catalogue grows from what is served or not at all.

    ``publications`` and ``changes`` count; ``lag_s`` is how old the oldest change of the last
    publication was when it was read, plus ``took_s``, what it took to publish it.
    """

    def __init__(self, state: State, log: ChangeLog, follow: Follow) -> None:
        self.publications = self.changes = 0
        self.lag_s = self.took_s = 0.0
        self._state = state
        self._log = log
        self._follow = follow
        self._publishing = threading.Lock()

    def catch_up(self) -> bool:
        """Publish what was put and retired since; return whether there was anything.

        Raises:
            LogUnreachable: Redis did not say; what is served stays.
        """
        with self._publishing:
            base = self._state.read()
            serving = self._current(base)
            return serving is not base

    def publish(self, serving: Serving) -> None:
        """Serve something else, with all that was put and retired until now.

        Raises:
            LogUnreachable: Redis did not say what that is; what is served stays.
        """
        with self._publishing:
            growth = self._growth(serving)
            self._state.publish(serving if growth is None else growth.onto(serving))

    def _current(self, base: Serving) -> Serving:
        growth = self._growth(base)
        return base if growth is None else self._state.update(growth.onto)

    def _growth(self, base: Serving) -> Growth | None:
        told = self._log.read(base.catalogue_serial)
        if not told.records:
            return None
        began = perf_counter()
        changes = changes_of(told.records, base.snapshot, base.items.schema)
        growth = Growth.of(base, changes, told.serial)
        if growth.near is not base.near:
            self._follow(growth.near, growth.snapshot.popular)
        oldest_us = min(record.serial for record in told.records)
        self.took_s = perf_counter() - began
        self.lag_s = (told.server_us - oldest_us) / 1e6 + self.took_s
        self.publications += 1
        self.changes += len(told.records)
        return growth
