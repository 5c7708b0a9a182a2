"""Each replica's live counts: a thread that follows the events and publishes their sums."""

import logging
import threading
import time
from collections.abc import Callable
from typing import Final

from features.chance import CHANCE
from features.client import STORE_FAULTS, Deferred
from features.events import BUCKET_MS, increments
from features.live import Counts, Tally, live_of
from features.types import Live
from ranking.catalogue import Catalogue
from service.live.feed import Arrival, EventsMissed, Feed
from service.observe.histogram import Histogram

PUBLISH_EVERY_S: Final = 0.2
LEAST_SHARE: Final = 10
"""Publishing takes a tenth of the thread's time at most."""
WAIT_MS: Final = 250
"""A read waits so long for an event, and a stop for the read."""
PAUSE_S: Final = 0.005
"""After events it lets more of them come: a read of all streams costs a third of a millisecond."""
TIMEOUT_S: Final = 2.0
RETRY_S: Final = 0.5

log = logging.getLogger("braid")


def _nothing() -> None:
    pass


class Pulse:
    """What all users do of late, as this replica knows it.

    ``publish`` is called by its thread whenever `view` has something new to say, five times a
    second at most. ``events`` counts what came since the start, ``loads`` how often the counts
    were read whole, ``missed`` how often that was because a stream had lost events; ``lag`` holds
    how long events took from the store to the counts here; ``connected`` tells whether it follows.
    """

    def __init__(self, url: str, publish: Callable[[], None] = _nothing) -> None:
        self.events = self.loads = self.missed = 0
        self.lag = Histogram()
        self.connected = False
        self._publish = publish
        self._tally: Tally | None = None
        self._client = Deferred(url, TIMEOUT_S)
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name="braid-live", daemon=True)

    def start(self) -> None:
        """Begin; the store need not be there."""
        self._thread.start()

    def stop(self) -> None:
        """End the thread; the counts stay as they are."""
        self._ended.set()
        if self._thread.ident is not None:
            self._thread.join()
        self._client.close()

    def view(self, catalogue: Catalogue) -> Live | None:
        """Return the counts by the ordinals of a catalogue, None before the first are known.

        Any thread may ask, at any time: what it gets is never changed.
        """
        tally = self._tally
        if tally is None:
            return None
        return live_of(tally, *catalogue.located(tally.item_ids), len(catalogue))

    def _run(self) -> None:
        while not self._ended.is_set():
            try:
                self._follow()
            except EventsMissed as fault:
                self.missed += 1
                log.warning("events are counted anew: %s", fault)
            except STORE_FAULTS:
                pass
            except Exception:
                log.exception("following the events failed, and is tried again")
            self.connected = False
            self._client.close()
            # Full jitter: many replicas lost the same server at the same moment.
            self._ended.wait(CHANCE.uniform(0, RETRY_S))

    def _follow(self) -> None:
        """Live for as long as nothing is missed."""
        feed = Feed(self._client())
        counts = feed.load(_bucket())
        self.loads += 1
        self.connected = changed = True
        due = 0.0
        while not self._ended.is_set():
            changed |= counts.advance(_bucket())
            if changed and (began := time.monotonic()) >= due:
                self._show(counts)
                ended = time.monotonic()
                due = began + max(PUBLISH_EVERY_S, LEAST_SHARE * (ended - began))
                changed = False
            left_ms = (due - time.monotonic()) * 1e3 if changed else WAIT_MS
            arrivals = feed.follow(round(min(left_ms, WAIT_MS)))
            if arrivals:
                self._count(counts, arrivals)
                changed = True
                self._ended.wait(PAUSE_S)

    def _count(self, counts: Counts, arrivals: list[Arrival]) -> None:
        now_us = time.time_ns() // 1000
        for recorded, arrived_us in arrivals:
            if recorded.bucket is not None:
                for kind, amount in increments(recorded.event):
                    counts.add(recorded.bucket, kind, recorded.event.item_id, amount)
            self.lag.record((now_us - arrived_us) * 1000)
        self.events += len(arrivals)

    def _show(self, counts: Counts) -> None:
        self._tally = counts.tally()
        self._publish()


def _bucket() -> int:
    return time.time_ns() // 1_000_000 // BUCKET_MS
