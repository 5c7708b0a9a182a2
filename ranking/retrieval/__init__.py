"""Retrieval: several sources side by side, each a pure function, and their merger.

A source is ``retrieve(context, snapshot, blocked, k) -> Found``; beside those that the ranker hears
on every candidate stands ``score(context, snapshot, items) -> float32[n]``, its opinion of any.
"""

from features.types import Candidates, Context
from ranking.masks import blocked
from ranking.retrieval.appraise import appraise
from ranking.retrieval.found import Found
from ranking.retrieval.fuse import fuse
from ranking.retrieval.gather import gather
from ranking.retrieval.merge import merge
from ranking.retrieval.plan import Call, check_sources, plan
from ranking.retrieval.provenance import provenance
from ranking.retrieval.settings import DEFAULT, SourceSettings
from ranking.retrieval.sources import OPINIONS, SOURCES, Source, opinions
from ranking.snapshot import Snapshot


def retrieve(context: Context, snapshot: Snapshot) -> Candidates:
    """Ask the default surface's sources, one after the other, and merge what they offer."""
    mask = blocked(context, snapshot)
    offers = [
        SOURCES[name](context, snapshot, mask, settings.quota) for name, settings in DEFAULT.items()
    ]
    return merge(context, snapshot, offers, tuple(DEFAULT))


__all__ = [
    "DEFAULT",
    "OPINIONS",
    "SOURCES",
    "Call",
    "Found",
    "Source",
    "SourceSettings",
    "appraise",
    "check_sources",
    "fuse",
    "gather",
    "merge",
    "opinions",
    "plan",
    "provenance",
    "retrieve",
]
