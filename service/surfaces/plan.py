"""A surface made ready for one catalogue: what a request would otherwise look up again."""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass

import numpy as np

from features.types import Items, Mask
from ranking.experiments import CONTROL
from ranking.objectives import Objectives
from ranking.reasons import Reasons, check_templates
from ranking.rerank import CompiledRules, compile_rules, faults
from ranking.retrieval.fuse import FUSION_WEIGHTS
from ranking.retrieval.plan import Call, check_sources, plan
from ranking.snapshot import Snapshot
from ranking.surfaces import Surface, Surfaces, SurfacesRejected
from ranking.view import view_mask
from service.experiments.choose import Choice
from service.filters import Filters


@dataclass(frozen=True, slots=True)
class Plan:
    """One surface, or one variant of it, for one snapshot.

    ``calls`` are the sources to ask, in the surface's order, ``sources`` their names, and
    ``light_weights`` the say that each has in the light phase. ``hidden`` is bool[n_items] by the
    surface's rule, None without one. ``veiled`` int64[h] are the columns of a row that its model
    may not see.
    """

    name: str
    variant: str
    surface: Surface
    calls: tuple[Call, ...]
    sources: tuple[str, ...]
    light_weights: Mapping[str, float]
    hidden: Mask | None
    objectives: Objectives
    rules: CompiledRules
    veiled: Items
    reasons: Reasons

    @classmethod
    def of(
        cls, name: str, variant: str, surface: Surface, snapshot: Snapshot, filters: Filters
    ) -> Plan:
        """Make a surface ready; items that have left the catalogue are passed over.

        Raises:
            SurfacesRejected: it asks for what else is not there; the message names it.
        """
        rule = surface.filters.rule
        part = "filters.rule"
        try:
            hidden = filters.hidden(rule) if rule is not None else None
            part = "sources"
            calls = plan(surface.sources, snapshot.catalogue)
            part = "scoring.objectives"
            objectives = Objectives.of(surface.scoring, snapshot)
            part = "rerank"
            rules = compile_rules(
                surface.rerank, filters.table, snapshot.catalogue, filters.attributes
            )
            part = "features"
            seen = view_mask(surface.features, snapshot.scorer.columns)
        except ValueError as reason:  # FilterRejected is one
            raise SurfacesRejected(f"surfaces.{name}.{part}: {reason}") from reason
        return cls(
            name=name,
            variant=variant,
            surface=surface,
            calls=calls,
            sources=tuple(call.name for call in calls),
            light_weights={**FUSION_WEIGHTS, **surface.scoring.light_weights},
            hidden=hidden,
            objectives=objectives,
            rules=rules,
            veiled=np.flatnonzero(~seen),
            reasons=Reasons(surface.reasons),
        )


class Plans:
    """The plans of one snapshot, each made once: a surface that is read anew gets a new one.

    Looking a plan up takes no lock. One that two threads lack at once is made twice: both are
    equal.
    """

    def __init__(self, snapshot: Snapshot, filters: Filters) -> None:
        self._snapshot = snapshot
        self._filters = filters
        self._plans: dict[tuple[str, str], Plan] = {}

    def of(self, name: str, choice: Choice) -> Plan:
        """Return the plan of a surface, as it was chosen for a user.

        Raises:
            SurfacesRejected: it asks for what this catalogue has not.
        """
        found = self._plans.get((name, choice.variant))
        if found is None or found.surface is not choice.surface:
            found = self._make(name, choice.variant, choice.surface)
            self._plans[name, choice.variant] = found
        return found

    def renewed(self, snapshot: Snapshot, filters: Filters) -> Plans:
        """Return the plans of another snapshot; those in use here are made already.

        One that does not fit any more is left out: whoever asks for it is told.
        """
        other = Plans(snapshot, filters)
        for key, found in self._plans.copy().items():
            with suppress(SurfacesRejected):
                other._plans[key] = other._make(*key, found.surface)
        return other

    def make(self, surfaces: Surfaces) -> list[Plan]:
        """Make the plans of all surfaces and variants before they are asked for.

        Raises:
            SurfacesRejected: one asks for what this catalogue has not.
        """
        named = {(name, CONTROL): surface for name, surface in surfaces.by_name.items()}
        for key, surface in (*named.items(), *surfaces.variants.items()):
            self._plans[key] = self._make(*key, surface)
        return list(self._plans.values())

    def check(self, surfaces: Surfaces) -> None:
        """Check what a person has just written: every item and label that is named must be there.

        Raises:
            SurfacesRejected: one is not.
        """
        table, catalogue = self._filters.table, self._snapshot.catalogue
        variants = {f"{name}, {arm}": surface for (name, arm), surface in surfaces.variants.items()}
        for name, surface in {**surfaces.by_name, **variants}.items():
            complaints = (
                *check_templates(surface.reasons, self._filters.columns),
                *check_sources(surface.sources, catalogue),
                *(
                    f"rerank.{'.'.join(fault.path)}: {fault.reason}"
                    for fault in faults(surface.rerank, table, catalogue)
                ),
            )
            for complaint in complaints:
                raise SurfacesRejected(f"surfaces.{name}.{complaint}")
        self.make(surfaces)

    def _make(self, name: str, variant: str, surface: Surface) -> Plan:
        return Plan.of(name, variant, surface, self._snapshot, self._filters)
