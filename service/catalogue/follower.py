"""Each replica follows the catalogue: told of changes at once, it looks anyway twice a second."""

import logging
import threading
from time import monotonic
from typing import Final

from features.chance import CHANCE
from service.catalogue.log import ChangeLog, LogUnreachable
from service.catalogue.publisher import Publisher

LOOK_EVERY_S: Final = 0.5
LISTEN_S: Final = 0.1
"""Between two looks it listens in turns this long, so that it ends soon when it is to end."""

log = logging.getLogger("braid")


class CatalogueFollower:
    """A thread that publishes what any replica was told of the catalogue."""

    def __init__(self, publisher: Publisher, changes: ChangeLog) -> None:
        self._publisher = publisher
        self._changes = changes
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name="braid-catalogue", daemon=True)

    def start(self) -> None:
        """Begin; Redis need not be there."""
        self._thread.start()

    def stop(self) -> None:
        """End the thread."""
        self._ended.set()
        if self._thread.ident is not None:
            self._thread.join()
        self._changes.close()

    def _run(self) -> None:
        while not self._ended.is_set():
            try:
                self._live()
            except LogUnreachable:
                pass
            except Exception:
                log.exception("following the catalogue failed, and is tried again")
            # Full jitter: many replicas lost the same server at the same moment.
            self._ended.wait(CHANCE.uniform(0, LOOK_EVERY_S))

    def _live(self) -> None:
        """Follow for as long as one connection stands."""
        with self._changes.announcements() as heard:
            while not self._ended.is_set():
                self._publisher.catch_up()
                look_at = monotonic() + LOOK_EVERY_S
                while monotonic() < look_at and not self._ended.is_set():
                    if heard.get_message(timeout=LISTEN_S) is not None:
                        break
