"""Each replica follows the pointer: told of a change at once, and looking anyway each second."""

import logging
import threading
from time import monotonic
from typing import Final

from features.chance import CHANCE
from service.models.errors import ChangeRefused, ChangeUnderWay, PointerUnreachable
from service.models.pointer import Pointer, Wanted
from service.models.switch import Switch

LOOK_EVERY_S: Final = 1.0
LISTEN_S: Final = 0.1
"""Between two looks it listens in turns this long, so that it ends soon when it is to end."""
RETRY_AFTER_S: Final = 10.0
"""A refused version may be mended, or still on its way to this machine's disk."""

log = logging.getLogger("braid")


class Follower:
    """A thread that reports what is served here, and switches to what is wanted."""

    def __init__(self, replica: str, switch: Switch, pointer: Pointer) -> None:
        self._replica = replica
        self._switch = switch
        self._pointer = pointer
        self._refused_serial = -1
        self._retry_at = 0.0
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name="braid-models", daemon=True)

    def start(self) -> None:
        """Begin; Redis need not be there."""
        self._thread.start()

    def stop(self) -> None:
        """End the thread, unless it is preparing a model that nobody will be served from."""
        self._ended.set()
        if self._thread.ident is not None:
            self._thread.join(2 * LISTEN_S)
        self._pointer.close()

    def _run(self) -> None:
        while not self._ended.is_set():
            try:
                self._live()
            except PointerUnreachable:
                pass
            except Exception:
                log.exception("following the model pointer failed, and is tried again")
            # Full jitter: many replicas lost the same server at the same moment.
            self._ended.wait(CHANCE.uniform(0, LOOK_EVERY_S))

    def _live(self) -> None:
        """Follow for as long as one connection stands."""
        with self._pointer.announcements() as heard:
            while not self._ended.is_set():
                wanted = self._pointer.report(self._replica, self._switch.report())
                if wanted is not None and self._follow(wanted):
                    continue  # and report it
                look_at = monotonic() + LOOK_EVERY_S
                while monotonic() < look_at and not self._ended.is_set():
                    if heard.get_message(timeout=LISTEN_S) is not None:
                        break

    def _follow(self, wanted: Wanted) -> bool:
        """Return whether something else than before is to be reported."""
        before = self._switch.report()
        if wanted.version == before.version:
            return False
        if wanted.serial == self._refused_serial and monotonic() < self._retry_at:
            return False
        try:
            self._switch.follow()
        except PointerUnreachable:
            raise  # that is no word about the version
        except ChangeUnderWay:
            return False  # its end will be seen at the next look
        except ChangeRefused as fault:
            log.warning("%s stays, %s is refused: %s", before.version, wanted.version, fault)
            self._refused_serial, self._retry_at = wanted.serial, monotonic() + RETRY_AFTER_S
        return self._switch.report() != before
