"""The thread that makes spans of finished requests and sends them."""

import logging
import threading
from collections.abc import Callable, Sequence
from queue import SimpleQueue
from time import monotonic
from typing import Final

from service.observe.ended import Ended
from service.trace.collector import Collector, NotTaken

MOST_HELD: Final = 2048
"""Requests that may wait; while more come, the collector is slower than they are."""
BATCH: Final = 256
GATHER_S: Final = 0.5
"""How long requests are gathered for one message."""
FLUSH_S: Final = 5.0
"""How long a process that ends waits for the last ones to be taken."""

log = logging.getLogger("braid")


class Exporter:
    """Takes requests from any thread without making it wait.

    ``sent`` and ``lost`` count requests that the collector took, and those that it did not.
    """

    def __init__(self, encode: Callable[[Sequence[Ended]], bytes], collector: Collector) -> None:
        """Start nothing yet; ``encode`` makes a message of requests."""
        self.sent = 0
        self.lost = 0
        self._encode = encode
        self._collector = collector
        self._waiting = SimpleQueue[Ended | None]()
        self._ending = threading.Event()
        self._failing = False
        self._thread = threading.Thread(target=self._run, name="braid-traces", daemon=True)

    def start(self) -> None:
        """Start sending."""
        self._thread.start()

    def stop(self) -> None:
        """Send what waits, as far as that is done in `FLUSH_S` seconds, and end."""
        self._collector.end(monotonic() + FLUSH_S)
        self._ending.set()
        self._waiting.put(None)
        if self._thread.ident is not None:
            self._thread.join(FLUSH_S)

    def put(self, ended: Ended) -> bool:
        """Have a request sent; False where too many wait."""
        if self._waiting.qsize() >= MOST_HELD:
            return False
        self._waiting.put(ended)
        return True

    def _run(self) -> None:
        ended = False
        while not ended:
            found = [self._waiting.get()]
            if self._waiting.qsize() < BATCH:
                self._ending.wait(GATHER_S)
            while len(found) < BATCH and not self._waiting.empty():
                found.append(self._waiting.get())
            # Whoever put the last ones before None may have been overtaken by it.
            ended = None in found and self._waiting.empty()
            if None in found and not ended:
                self._waiting.put(None)
            self._send([one for one in found if one is not None])

    def _send(self, batch: Sequence[Ended]) -> None:
        if not batch:
            return
        try:
            self._collector.send(self._encode(batch))
        except NotTaken as fault:
            self.lost += len(batch)
            if not self._failing:  # the counter tells the rest
                log.warning("spans are lost: %s", fault)
            self._failing = True
        except Exception:
            self.lost += len(batch)
            log.exception("spans of %d requests could not be made", len(batch))
        else:
            self.sent += len(batch)
            self._failing = False
