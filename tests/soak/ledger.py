"""What the soak's clients were told, and what of it did not hold."""

import threading
import time
from collections import Counter, deque
from collections.abc import Iterator
from contextlib import contextmanager

AFTER_S = 1.0
"""A retirement holds everywhere a second after it was acknowledged."""
RETURN_S = 3.0
"""After an outage, until its connections stand again, the store may still refuse for so long."""
TOLD = 5
"""Of each kind of violation so many are told in full."""


class Ledger:
    """Written by all clients and operators, under one lock: it is they who may be slow."""

    def __init__(self) -> None:
        self.answers = Counter[tuple[str, int]]()
        self.violations = Counter[str]()
        self.examples: dict[str, list[str]] = {}
        self.degraded = Counter[str]()
        self.vanished = Counter[str]()
        self.events: deque[tuple[str, str, str, int]] = deque()
        self.latencies_ms: dict[str, list[float]] = {}
        self._lock = threading.Lock()
        self._request_ids = set[int]()
        self._served: list[tuple[str, float, float]] = []  # version, since, until
        self._retired: dict[str, float] = {}
        self._outages: list[list[float]] = []

    def violate(self, kind: str, detail: str) -> None:
        """Note that something did not hold."""
        with self._lock:
            self.violations[kind] += 1
            told = self.examples.setdefault(kind, [])
            if len(told) < TOLD:
                told.append(f"{time.strftime('%H:%M:%S')} {detail[:600]}")

    def expect(self, holds: bool, kind: str, detail: object = "") -> None:
        """Note a violation unless it holds."""
        if not holds:
            self.violate(kind, str(detail))

    def note(self, route: str, status: int, took_ms: float) -> None:
        """Count an answer."""
        with self._lock:
            self.answers[route, status] += 1
            kept = self.latencies_ms.setdefault(route, [])
            if len(kept) < 100_000:
                kept.append(took_ms)

    def note_vanished(self, how: str) -> None:
        """Count a client that left without its answer."""
        with self._lock:
            self.vanished[how] += 1

    def note_degraded(self, reasons: list[str]) -> None:
        """Count what fell back."""
        with self._lock:
            self.degraded.update(reasons)

    def note_request_id(self, request_id: str) -> bool:
        """Remember a request id; return whether it is a new one."""
        number = int(request_id, 16)
        with self._lock:
            if number in self._request_ids:
                return False
            self._request_ids.add(number)
            return True

    # What is served.

    def may_serve(self, version: str) -> None:
        """Note that a version is asked for: from now on it may be in an answer."""
        with self._lock:
            self._served.append((version, time.monotonic(), float("inf")))

    def serves(self, version: str) -> None:
        """Note that a version is acknowledged: from now on no other may be in an answer."""
        now = time.monotonic()
        with self._lock:
            self._served = [
                (name, since, until if name == version else min(until, now))
                for name, since, until in self._served[-50:]
            ]

    def was_served(self, version: str, sent_s: float, received_s: float) -> bool:
        """Tell whether a version may have been what was served in between."""
        with self._lock:
            return any(
                name == version and since <= received_s and sent_s <= until
                for name, since, until in self._served
            )

    # What is retired.

    def retire(self, items: list[str]) -> None:
        """Note that a retirement is acknowledged."""
        with self._lock:
            self._retired |= dict.fromkeys(items, time.monotonic())

    def put(self, items: list[str]) -> None:
        """Note that items are about to be put: they may be shown from now on."""
        with self._lock:
            for item in items:
                self._retired.pop(item, None)

    def retired(self) -> set[str]:
        """Return what must not be shown to whoever asks now."""
        latest = time.monotonic() - AFTER_S
        with self._lock:
            return {item for item, at in self._retired.items() if at < latest}

    def still_retired(self, items: set[str]) -> set[str]:
        """Return which of these are retired now, too."""
        with self._lock:
            return items & self._retired.keys()

    # When Redis is away.

    @contextmanager
    def outage(self) -> Iterator[None]:
        """Note that Redis is away for as long as the block takes."""
        window = [time.monotonic(), float("inf")]
        with self._lock:
            self._outages.append(window)
        try:
            yield
        finally:
            window[1] = time.monotonic()

    def was_away(self, sent_s: float, received_s: float) -> bool:
        """Tell whether Redis was away meanwhile, or had only just come back."""
        with self._lock:
            return any(
                since <= received_s and sent_s <= until + RETURN_S for since, until in self._outages
            )

    def outages(self) -> int:
        """Return how many there were."""
        return len(self._outages)
