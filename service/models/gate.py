"""The activation gate: a model that cannot rank is refused before anybody is served from it."""

from typing import Final

import numpy as np

from ranking.golden import Findings, Golden, examine
from service.models.errors import VersionRefused
from service.state import Serving

SLOWEST_ROW_NS: Final = 25_000
"""1000 candidates on one thread in 25 ms: half of a request's default deadline."""

MOST_TIED: Final = 0.9
"""In the middle request, the share of candidates that may have one and the same score."""

WORST_PLACE: Final = 0.4
"""The mean share of random items that the item taken must beat. Chance does 0.5, with a standard
error of 0.03 over 100 users; MovieLens' model does 0.89, and with its sign lost 0.11."""


def inspect(serving: Serving, requests: list[Golden]) -> None:
    """Let a model pass, or say why not.

    Raises:
        VersionRefused: with what was found, and the limit.
    """
    if serving.score_ns_per_row > SLOWEST_ROW_NS:
        raise VersionRefused(
            f"it takes {serving.score_ns_per_row / 1e3:.0f} us to score a row, more than "
            f"{SLOWEST_ROW_NS / 1e3:.0f}; publish a smaller model"
        )
    if not requests:
        return  # an artifact without histories has nothing to be held against
    try:
        found = examine(serving.snapshot, requests)
    except Exception as fault:
        raise VersionRefused(f"a golden request failed: {fault!r}; train it again") from fault
    for complaint in _complaints(found):
        raise VersionRefused(f"{complaint}; train it again")


def _complaints(found: Findings) -> list[str]:
    """Return what is wrong, the worst first."""
    n = len(found.picks)
    unscored, empty = int((found.finite < 1).sum()), int((found.picks == 0).sum())
    tied, place = float(np.median(found.tied)), float(found.place.mean())
    return [
        complaint
        for complaint, holds in (
            (f"{unscored} of {n} golden requests have scores that are no finite number", unscored),
            (f"{empty} of {n} golden requests get an empty slate", empty),
            (
                f"its scores are degenerate: in the middle golden request {tied:.0%} of the "
                f"candidates share one, more than {MOST_TIED:.0%}",
                tied > MOST_TIED,
            ),
            (
                f"it ranks worse than chance: what {n} users took next beats {place:.0%} of random "
                f"items, less than {WORST_PLACE:.0%}",
                place < WORST_PLACE,
            ),
        )
        if holds
    ]
