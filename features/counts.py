"""What befell one event loop's connections to the store."""

from dataclasses import dataclass

from features.codec import IMPUTED, REFUSED, Odd


@dataclass(slots=True)
class StoreCounts:
    """Counters; the loop's own thread writes them, any thread reads.

    ``opens`` of breakers, ``probes`` of open ones, ``reconnects`` that followed. ``timeouts`` of
    commands, ``redirects`` that servers gave, ``refusals`` for other reasons, ``retries`` that
    were made, and those that the budget did not allow (``unaffordable``). ``refused_rows`` are of
    another length, schema or owner; of ``imputed_rows`` a value was no finite number.
    """

    opens: int = 0
    probes: int = 0
    reconnects: int = 0
    timeouts: int = 0
    redirects: int = 0
    refusals: int = 0
    retries: int = 0
    unaffordable: int = 0
    refused_rows: int = 0
    imputed_rows: int = 0

    def note(self, odd: Odd) -> None:
        """Count the rows that a read found odd."""
        if odd[REFUSED] or odd[IMPUTED]:
            self.refused_rows += int(odd[REFUSED])
            self.imputed_rows += int(odd[IMPUTED])
