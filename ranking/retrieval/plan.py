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

    Listed items that the catalogue has not are passed over: they may have left it since the list
    was checked.

    Raises:
        ValueError: there is no such source or function; the message says which.
    """
    faults = [fault for name, settings in sources.items() for fault in _faults(name, settings)]
    if faults:
        raise ValueError("; ".join(faults))
    return tuple(
        _call(name, settings, catalogue) for name, settings in (sources or DEFAULT).items()
    )


def check_sources(sources: Mapping[str, SourceSettings], catalogue: Catalogue) -> list[str]:
    """Return what cannot be meant: ``sources.NAME.SETTING: what is wrong; the remedy``."""
    return [
        f"sources.{fault}"
        for name, settings in sources.items()
        for fault in (*_faults(name, settings), *_unknown(name, settings, catalogue))
    ]


def _call(name: str, settings: SourceSettings, catalogue: Catalogue) -> Call:
    source = _source(name, settings, catalogue)
    return Call(
        name=name,
        source=source,
        quota=settings.quota,
        deadline_ms=settings.deadline_ms,
        spreads=source in (vector.retrieve, similar.retrieve),
        aside=settings.function is not None or settings.deadline_ms is not None,
    )


def _source(name: str, settings: SourceSettings, catalogue: Catalogue) -> Source:
    if settings.function is not None:
        return OwnSource.load(name, settings.function)
    if settings.items is not None:
        return partial(editorial.retrieve, listed=catalogue.ordinals(settings.items))
    if settings.explore is not None:
        return partial(latest.retrieve, explore=settings.explore)
    return SOURCES[name]


def _faults(name: str, settings: SourceSettings) -> list[str]:
    """Return what is wrong whatever the catalogue."""
    faults: list[str] = []
    own = settings.function is not None or settings.items is not None
    if settings.function is not None and settings.items is not None:
        faults.append(f"{name}: a source is a function or a list of items; keep one of them")
    if settings.explore is not None and (own or name != "latest"):
        faults.append(f'{name}.explore: only "latest" explores; leave it out')
    if settings.function is not None:
        try:
            OwnSource.load(name, settings.function)
        except ValueError as fault:
            faults.append(f"{name}.function: {fault}")
    if own and name in SOURCES:
        faults.append(f"{name}: one of Braid's own sources has this name; choose another")
    if not own and name not in SOURCES:
        near = get_close_matches(name, SOURCES, 1)
        hint = f"did you mean {near[0]!r}?" if near else f"there are {', '.join(SOURCES)}."
        faults.append(
            f"{name}: there is no such source; {hint} One of your own has `function` or `items`"
        )
    return faults


def _unknown(name: str, settings: SourceSettings, catalogue: Catalogue) -> list[str]:
    """Return which listed items the catalogue has not."""
    unknown = [item for item in settings.items or () if catalogue.ordinal(item) is None]
    if not unknown:
        return []
    more = f" and {len(unknown) - 1} others" if len(unknown) > 1 else ""
    return [f"{name}.items: the catalogue has no {unknown[0]!r}{more}; take it out"]
