"""What one event loop served, on its way to the store: nobody waits for it."""

import asyncio
import time
from collections.abc import Sequence
from typing import Any, Final

from features.errors import StoreUnavailable
from features.served import Served
from features.store import FeatureStore

MOST_UNCONFIRMED: Final = 1000
"""Slates that may be on their way; while the store is slow, more of them are dropped."""


class ServedLog:
    """Gathers the slates of one turn of the event loop and writes them with one command.

    ``written`` counts slates that the store confirmed, ``dropped`` those that it did not or that
    were too many.
    """

    def __init__(self, writer: FeatureStore) -> None:
        self.written = self.dropped = 0
        self._writer = writer
        self._gathered: list[Served] = []
        self._unconfirmed = 0

    def note(
        self,
        user_id: str,
        item_ids: Sequence[str],
        request_id: str = "",
        surface: str = "",
        variant: str | None = None,
    ) -> None:
        """Note what an answer shows to a user, first place first; an empty slate is none."""
        if not item_ids:
            return
        if self._unconfirmed >= MOST_UNCONFIRMED:
            self.dropped += 1
            return
        self._unconfirmed += 1
        now_ms = time.time_ns() // 1_000_000
        slate = Served(user_id, tuple(item_ids), now_ms, request_id, surface, variant)
        self._gathered.append(slate)
        if len(self._gathered) == 1:
            asyncio.get_running_loop().call_soon(self._write)

    def _write(self) -> None:
        slates, self._gathered = self._gathered, []
        try:
            answer = self._writer.append_served(slates)
        except StoreUnavailable:
            self._settle(len(slates), confirmed=False)
            return

        def settle(done: asyncio.Future[Any]) -> None:
            confirmed = not done.cancelled() and done.exception() is None
            self._settle(len(slates), confirmed=confirmed)

        answer.add_done_callback(settle)

    def _settle(self, slates: int, *, confirmed: bool) -> None:
        self._unconfirmed -= slates
        if confirmed:
            self.written += slates
        else:
            self.dropped += slates
