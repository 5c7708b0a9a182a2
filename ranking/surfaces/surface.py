"""A surface: one place where recommendations are shown, and everything that is set for it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated

import msgspec
from msgspec import Meta

from ranking.experiments import Experiment
from ranking.objectives import ScoringSettings
from ranking.rerank.rules import Rules
from ranking.retrieval.settings import SourceSettings


class Served(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What becomes of an item that the user was shown and did not choose.

    Within ``within_s`` seconds each showing multiplies its place in the ranking by ``discount``,
    and after ``hide_after`` of them it is not shown. With ``log`` every slate counts as shown;
    without it what clients report as impressions does.
    """

    within_s: Annotated[float, Meta(gt=0, le=30 * 86_400)] = 86_400.0
    discount: Annotated[float, Meta(gt=0, le=1)] = 1.0
    hide_after: Annotated[int, Meta(ge=1, le=1000)] | None = None
    log: bool = False


class Filtering(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which items may be shown at all: ``rule`` is a filter (docs/filters.md) for every request.

    ``seen`` hides what the user has consumed.
    """

    rule: str | None = None
    seen: bool = True
    served: Served | None = None


class Surface(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One surface. What a request says itself goes before what stands here.

    ``features`` are patterns of the ranker's columns that the model may see; the others read 0.
    ``reasons`` are templates by source: ``{because}`` is the item of the history that speaks most
    for a pick, and ``{genre}`` (any property) the pick's own.
    """

    about: str = ""
    limit: Annotated[int, Meta(ge=1, le=200)] = 20
    deadline_ms: Annotated[float, Meta(gt=0, le=10_000)] = 50.0
    sources: dict[str, SourceSettings] = {}
    filters: Filtering = Filtering()
    features: tuple[str, ...] = ("*",)
    scoring: ScoringSettings = ScoringSettings()
    rerank: Rules = Rules()
    reasons: dict[str, str] = {}
    experiment: Experiment | None = None


@dataclass(frozen=True, slots=True)
class Surfaces:
    """Every surface by name, and for those under experiment every variant as a surface."""

    by_name: Mapping[str, Surface]
    variants: Mapping[tuple[str, str], Surface]
