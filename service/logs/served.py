"""What one event loop served, on its way to the users' lists of what they were shown."""

import time
from collections.abc import Sequence
from typing import Final

from features.served import Served, served_commands
from features.store import SHOWN_CAP, FeatureStore
from service.logs.appender import Appender

MOST_HELD: Final = 1000


class ServedLog:
    """One event loop's slates; belongs to that loop's thread."""

    def __init__(self, writer: FeatureStore) -> None:
        self.appender = Appender(writer, _commands, MOST_HELD)

    def note(
        self,
        user_id: str,
        item_ids: Sequence[str],
        request_id: str = "",
        surface: str = "",
        variant: str | None = None,
    ) -> None:
        """Note what an answer shows to a user, first place first; an empty slate is none."""
        if item_ids:
            now_ms = time.time_ns() // 1_000_000
            slate = Served(user_id, tuple(item_ids), now_ms, request_id, surface, variant)
            self.appender.add(slate)


def _commands(slate: Served) -> list[bytes]:
    return served_commands(slate, SHOWN_CAP)
