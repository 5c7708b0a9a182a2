"""Taking what clients put: in Redis before anybody is told so, and served here before that."""

from collections.abc import Mapping, Sequence
from typing import Any

from service.catalogue.log import ChangeLog, Put
from service.catalogue.publisher import Publisher
from service.catalogue.writes import item_writes, user_writes
from service.state import State


class CatalogueWriter:
    """Writes rows, then the change log, then publishes here; any thread may.

    Each method raises LogUnreachable where Redis did not confirm. Part of it may be there then:
    all of them may be repeated.
    """

    def __init__(self, state: State, log: ChangeLog, publisher: Publisher) -> None:
        self._state = state
        self._log = log
        self._publisher = publisher

    def put_items(self, puts: Sequence[Put]) -> None:
        """Put items that `check_items` passed. A row is there before anybody looks for it."""
        serving = self._state.read()
        self._log.write_rows(item_writes(puts, serving.snapshot, serving.items.schema))
        self._log.put(puts)
        self._publisher.catch_up()

    def retire_items(self, item_ids: Sequence[str]) -> int:
        """Retire items; return how many of them nobody knows."""
        catalogue = self._state.read().snapshot.catalogue
        served = [catalogue.ordinal(item_id) is not None for item_id in item_ids]
        unknown = self._log.retire(item_ids, served)
        self._publisher.catch_up()
        return unknown

    def put_users(self, users: Sequence[tuple[str, Mapping[str, Any]]]) -> None:
        """Write users' features, which `check_users` passed; what is not given stays."""
        self._log.write_rows(user_writes(users, self._state.read().user_schema))
