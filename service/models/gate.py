"""The activation gate: a model that cannot rank is refused before anybody is served from it."""

from dataclasses import dataclass
from time import thread_time_ns
from typing import Final

import numpy as np

from ranking.golden import Findings, Golden, examine
from ranking.record import Record
from ranking.snapshot import Snapshot
from service.models.errors import VersionRefused
from service.state import Serving

SLOWEST_ROW_NS: Final = 25_000
"""1000 candidates on one thread in 25 ms: half of a request's default deadline."""

MOST_TIED: Final = 0.9
"""In the middle request, the share of candidates that may have one and the same score."""

WORST_PLACE: Final = 0.4
"""The mean share of random items that the item taken must beat. Chance does 0.5, with a standard
error of 0.03 over 100 users; MovieLens' model does 0.89, and with its sign lost 0.11."""


LONGEST_MS: Final = 50.0
"""Of nineteen golden requests in twenty, alone on one thread: a request's default deadline."""

FARTHEST_SCORES: Final = 0.1
"""How far the distribution of the scores may lie from what training saw, of its own spread. A model
read back as it was published is at 0.0; with its columns shuffled MovieLens' is at 0.8 to 1.2, a
small world's at 0.5 to 0.7 (docs/decisions/0026)."""

FARTHEST_PLACE: Final = 0.05
"""How far the place of what users took may."""


@dataclass(frozen=True, slots=True)
class Trained:
    """The model as it was read, before what was put and retired since, and what training saw."""

    snapshot: Snapshot
    record: Record


def inspect(serving: Serving, requests: list[Golden], trained: Trained | None = None) -> None:
    """Let a model pass, or say why not; ``trained`` is None where training has left no word.

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
    found = _found(serving.snapshot, requests)
    for complaint in _complaints(found):
        raise VersionRefused(f"{complaint}; train it again")
    # A scorer of the user's own is not what training saw.
    if trained is not None and trained.snapshot.scorer is serving.snapshot.scorer:
        if trained.snapshot is not serving.snapshot:
            found = _found(trained.snapshot, requests)
        _compare(found, trained.record)


def _found(snapshot: Snapshot, requests: list[Golden]) -> Findings:
    try:
        # Its own processor time: others may be busy while a model is tried.
        return examine(snapshot, requests, thread_time_ns)
    except Exception as fault:
        raise VersionRefused(f"a golden request failed: {fault!r}; train it again") from fault


def _compare(found: Findings, record: Record) -> None:
    """Raise VersionRefused where a model does not do what it did when it was published."""
    apart = float(np.abs(found.quantiles - record.scores).max())
    place = float(found.place.mean())
    rounding = 1e-5 * float(np.abs(record.scores).max())  # kernels differ from machine to machine
    if not apart <= FARTHEST_SCORES * record.spread + rounding:
        raise VersionRefused(
            f"its scores are not those that training saw: their distribution is {apart:.3g} away, "
            f"more than {FARTHEST_SCORES:.0%} of its spread of {record.spread:.3g}; are its "
            "columns in their order? publish it again, or train it again"
        )
    if abs(place - record.place) > FARTHEST_PLACE:
        raise VersionRefused(
            f"what users took next beats {place:.0%} of random items, {record.place:.0%} when it "
            "was published; publish it again, or train it again"
        )


def _complaints(found: Findings) -> list[str]:
    """Return what is wrong, the worst first."""
    n = len(found.picks)
    unscored, empty = int((found.finite < 1).sum()), int((found.picks == 0).sum())
    tied, place = float(np.median(found.tied)), float(found.place.mean())
    longest_ms = float(np.percentile(found.cost_ns, 95)) / 1e6
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
            (
                f"it is too slow: one golden request in twenty takes {longest_ms:.0f} ms of one "
                f"thread or more, and the limit is {LONGEST_MS:.0f}",
                longest_ms > LONGEST_MS,
            ),
        )
        if holds
    ]
