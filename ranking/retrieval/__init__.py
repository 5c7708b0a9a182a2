"""Retrieval: several sources side by side, each a pure function, and their merger.

A source is ``retrieve(context, snapshot, blocked, k) -> Found``; beside it stands
``score(context, snapshot, items) -> float32[n]``, its opinion of any items.
"""

from features.types import Candidates, Context
from ranking.masks import blocked
from ranking.retrieval.appraise import appraise
from ranking.retrieval.found import Found
from ranking.retrieval.fuse import fuse
from ranking.retrieval.merge import merge
from ranking.retrieval.sources import OPINIONS, QUOTAS, SOURCES, Source, opinions
from ranking.snapshot import Snapshot


def retrieve(context: Context, snapshot: Snapshot) -> Candidates:
    """Ask every source, one after the other, and merge what they offer."""
    mask = blocked(context, snapshot)
    offers = [source(context, snapshot, mask, QUOTAS[name]) for name, source in SOURCES.items()]
    return merge(context, snapshot, offers)


__all__ = [
    "OPINIONS",
    "QUOTAS",
    "SOURCES",
    "Found",
    "Source",
    "appraise",
    "fuse",
    "merge",
    "opinions",
    "retrieve",
]
