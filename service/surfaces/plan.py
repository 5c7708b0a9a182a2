"""A surface made ready for one catalogue: what a request would otherwise look up again."""

from collections.abc import Mapping
from dataclasses import dataclass

from features.types import Mask
from ranking.filters import FilterRejected
from ranking.reasons import Reasons, check_templates
from ranking.retrieval import SOURCES, Source
from ranking.surfaces import Surface, Surfaces, SurfacesRejected
from service.filters import Filters

CONTROL = "control"
"""The variant of everybody who is in no arm of an experiment."""


@dataclass(frozen=True, slots=True)
class Plan:
    """One surface, or one variant of it, for one catalogue.

    ``sources`` are what to ask, in the surface's order; ``hidden`` is bool[n_items] by the
    surface's rule, None without one.
    """

    name: str
    variant: str
    surface: Surface
    sources: Mapping[str, Source]
    hidden: Mask | None
    reasons: Reasons

    @classmethod
    def of(cls, name: str, variant: str, surface: Surface, filters: Filters) -> Plan:
        """Make a surface ready, if it asks for nothing that is not there.

        Raises:
            SurfacesRejected: it asks for what is not there; the message names it.
        """
        unknown = [source for source in surface.sources if source not in SOURCES]
        if unknown:
            raise SurfacesRejected(
                f"surfaces.{name}.sources: there is no {unknown[0]!r}; there are "
                f"{', '.join(SOURCES)}"
            )
        rule = surface.filters.rule
        try:
            hidden = filters.hidden(rule) if rule is not None else None
        except FilterRejected as fault:
            raise SurfacesRejected(f"surfaces.{name}.filters.rule: {fault}") from fault
        faults = check_templates(surface.reasons, filters.columns)
        if faults:
            raise SurfacesRejected(f"surfaces.{name}.{faults[0]}")
        sources = {source: SOURCES[source] for source in surface.sources}
        return cls(name, variant, surface, sources, hidden, Reasons(surface.reasons))


class Plans:
    """The plans of one catalogue, each made once: a surface that is read anew gets a new one.

    Looking a plan up takes no lock. One that two threads lack at once is made twice: both are
    equal.
    """

    def __init__(self, filters: Filters) -> None:
        self._filters = filters
        self._plans: dict[tuple[str, str], Plan] = {}

    def of(self, name: str, variant: str, surface: Surface) -> Plan:
        """Return the plan of a surface.

        Raises:
            SurfacesRejected: it asks for what this catalogue has not.
        """
        plan = self._plans.get((name, variant))
        if plan is None or plan.surface is not surface:
            plan = self._plans[name, variant] = Plan.of(name, variant, surface, self._filters)
        return plan

    def check(self, surfaces: Surfaces) -> None:
        """Make every plan.

        Raises:
            SurfacesRejected: one asks for what this catalogue has not.
        """
        for name, surface in surfaces.by_name.items():
            Plan.of(name, CONTROL, surface, self._filters)
        for (name, variant), surface in surfaces.variants.items():
            Plan.of(name, variant, surface, self._filters)
