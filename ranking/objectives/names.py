"""Which objectives there are, and what is wrong with those that a surface names."""

from collections.abc import Iterator
from difflib import get_close_matches
from typing import Final

from ranking.objectives.settings import MODEL, ScoringSettings
from ranking.plugins import plugin
from ranking.scorers import FunctionScorer
from ranking.snapshot import Snapshot

TREND: Final = "trend"
CTR: Final = "ctr"
ITEM: Final = "item."

RESERVED: Final = frozenset({MODEL, TREND, CTR})
"""What no ranker of an artifact may be called."""


def available(snapshot: Snapshot) -> tuple[str, ...]:
    """Return the names of all objectives but functions, which go by ``module:function``."""
    columns = (ITEM + name for name in snapshot.item_columns)
    return (MODEL, *snapshot.rankers, TREND, CTR, *columns)


def check_scoring(settings: ScoringSettings, snapshot: Snapshot) -> list[str]:
    """Return what is wrong with the objectives for this snapshot, one sentence each."""
    return [*_complaints(settings, snapshot)]


def own_function(spec: str, snapshot: Snapshot) -> FunctionScorer:
    """Import ``module:function`` as a ranker of the rows that the snapshot's scorer ranks.

    Raises:
        ValueError: says what is missing.
    """
    columns = snapshot.scorer.columns
    of_the_user = [name for name in columns if name.startswith("user.")]
    return FunctionScorer(plugin(spec, "objective"), columns, of_the_user)


def _complaints(settings: ScoringSettings, snapshot: Snapshot) -> Iterator[str]:
    if not any(settings.objectives.values()):
        yield "every objective has the weight 0; give one of them another"
    names = available(snapshot)
    for name in settings.objectives:
        if ":" in name:
            try:
                own_function(name, snapshot)
            except ValueError as fault:
                yield str(fault)
        elif name not in names:
            near = get_close_matches(name, names, n=3, cutoff=0.5)
            shown = " or ".join(map(repr, near)) or ", ".join(names[:8])
            hint = "did you mean" if near else "there are"
            yield f"there is no objective {name!r}; {hint} {shown}"
