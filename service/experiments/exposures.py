"""Who saw which arm, noted once the answer is made."""

from collections import Counter
from collections.abc import Sequence

from features.exposures import Exposure, exposure_command
from features.store import FeatureStore
from service.logs.appender import Appender

MOST_HELD = 4096
"""What a busy loop serves while the store takes 200 ms to answer."""


class ExposureLog:
    """One event loop's exposures; belongs to that loop's thread.

    ``counts`` are those noted since the start, by surface and arm.
    """

    def __init__(self, store: FeatureStore) -> None:
        self.counts = Counter[tuple[str, str]]()
        self.appender = Appender(store, _commands, MOST_HELD)

    def note(
        self,
        user_id: str,
        surface: str,
        experiment: str,
        variant: str,
        request_id: str,
        timestamp_ms: int,
        drafted: Sequence[tuple[str, int]] = (),
    ) -> None:
        """Note that a user was shown an arm's slate; ``drafted`` are item ids with their teams."""
        self.counts[surface, variant] += 1
        teams = dict(drafted)
        self.appender.add(
            Exposure(user_id, surface, experiment, variant, request_id, timestamp_ms, teams)
        )


def _commands(exposure: Exposure) -> list[bytes]:
    return [exposure_command(exposure)]
