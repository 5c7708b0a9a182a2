"""A surface's sources made ready: whom to ask for how much, looked up once and not per request."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from functools import partial

from features.types import Context, Mask
from ranking.catalogue import Catalogue
from ranking.retrieval import editorial, latest, similar, vector
from ranking.retrieval.found import Found
from ranking.retrieval.own import OwnSource
from ranking.retrieval.settings import DEFAULT, SourceSettings
from ranking.retrieval.sources import SOURCES, Source
from ranking.retrieval.vector import Spread
from ranking.snapshot import Snapshot


@dataclass(frozen=True, slots=True)
class Call:
    """One source to be asked.

    ``spreads`` tells that its search may be spread over threads. ``aside`` tells that it is asked
    beside the others and may come too late: a function of the user's own, or a source that has a
    deadline.
    """

    name: str
    source: Source
    quota: int
    deadline_ms: float | None
    spreads: bool
    aside: bool

    def ask(
        self, context: Context, snapshot: Snapshot, blocked: Mask, spread: Spread | None = None
    ) -> Found:
        """Return its offer; a search that may be is spread by ``spread``."""
        if self.spreads and spread is not None:
            search: Callable[..., Found] = self.source
            return search(context, snapshot, blocked, self.quota, spread)
        return self.source(context, snapshot, blocked, self.quota)


def plan(sources: Mapping[str, SourceSettings], catalogue: Catalogue) -> tuple[Call, ...]:
    """Return the calls of a surface, in its order; those of `DEFAULT` where it names none.

    Raises:
        ValueError: there is no such source, item or function; the message says which.
    """
    faults = check_sources(sources, catalogue)
    if faults:
        raise ValueError("; ".join(faults))
    return tuple(
        Call(
            name=name,
            source=(source := _source(name, settings, catalogue)),
            quota=settings.quota,
            deadline_ms=settings.deadline_ms,
            spreads=source in (vector.retrieve, similar.retrieve),
            aside=settings.function is not None or settings.deadline_ms is not None,
        )
        for name, settings in (sources or DEFAULT).items()
    )


def check_sources(sources: Mapping[str, SourceSettings], catalogue: Catalogue) -> list[str]:
    """Return what cannot be meant: ``sources.NAME.SETTING: what is wrong; the remedy``."""
    return [
        f"sources.{name}{fault}"
        for name, settings in sources.items()
        for fault in _faults(name, settings, catalogue)
    ]


def _source(name: str, settings: SourceSettings, catalogue: Catalogue) -> Source:
    if settings.function is not None:
        return OwnSource.load(name, settings.function)
    if settings.items is not None:
        return partial(editorial.retrieve, listed=catalogue.ordinals(settings.items))
    if settings.explore is not None:
        return partial(latest.retrieve, explore=settings.explore)
    return SOURCES[name]


def _faults(name: str, settings: SourceSettings, catalogue: Catalogue) -> list[str]:
    faults: list[str] = []
    if settings.function is not None and settings.items is not None:
        faults.append(": a source is a function or a list of items; name one of them")
    if settings.explore is not None and name != "latest":
        faults.append('.explore: only "latest" explores; leave it out')
    if settings.function is not None:
        try:
            OwnSource.load(name, settings.function)
        except ValueError as fault:
            faults.append(f".function: {fault}")
    elif settings.items is not None:
        unknown = [item for item in settings.items if catalogue.ordinal(item) is None]
        if unknown:
            more = f" and {len(unknown) - 1} more" if len(unknown) > 1 else ""
            faults.append(f".items: the catalogue has no {unknown[0]!r}{more}; take it out")
    elif name not in SOURCES:
        near = get_close_matches(name, SOURCES, 1)
        hint = f"did you mean {near[0]!r}?" if near else f"there are {', '.join(SOURCES)}"
        faults.append(f": there is no such source; {hint} Or give it `function` or `items`")
    if name in SOURCES and (settings.function is not None or settings.items is not None):
        faults.append(": this is the name of one of Braid's sources; choose another")
    return faults
