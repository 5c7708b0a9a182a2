"""What befell one event loop's connections to the store."""

from dataclasses import dataclass


@dataclass(slots=True)
class StoreCounts:
    """Counters; the loop's own thread writes them, any thread reads.

    ``opens`` of breakers, ``probes`` of open ones, ``reconnects`` that followed. ``timeouts`` of
    commands, ``redirects`` that servers gave, ``refusals`` for other reasons, ``retries`` that
    were made, and those that the budget did not allow (``unaffordable``).
    """

    opens: int = 0
    probes: int = 0
    reconnects: int = 0
    timeouts: int = 0
    redirects: int = 0
    refusals: int = 0
    retries: int = 0
    unaffordable: int = 0
