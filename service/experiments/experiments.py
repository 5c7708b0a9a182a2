"""A process's experiments: what its event loops note, and the shadows of its models."""

import asyncio
from pathlib import Path
from typing import NamedTuple

from features.store import FeatureStore
from ranking.experiments import bucket
from ranking.surfaces import Surface, Surfaces
from service.crew import Crew
from service.experiments.challengers import Challengers
from service.experiments.exposures import ExposureLog
from service.experiments.findings import Ranked
from service.experiments.listing import Challenger, ExperimentsAnswer, listing
from service.experiments.shadow import Again, Shadows
from service.state import Serving, State


class Rival(NamedTuple):
    """What a served slate is to be held against: a variant, and by what model; None: the same."""

    variant: str
    surface: Surface
    serving: Serving | None


class Experiments:
    """One for all event loops: made at start-up, told of surfaces whenever they are read anew."""

    def __init__(self, crew: Crew, folder: Path, state: State) -> None:
        """Look for challengers in a folder of artifacts."""
        self._shadows = Shadows(crew)
        self._challengers = Challengers(folder, state)
        self._logs: list[ExposureLog] = []

    def open_log(self, store: FeatureStore) -> ExposureLog:
        """Return the log of one more event loop; its appender is that loop's to close."""
        log = ExposureLog(store)
        self._logs.append(log)  # the event loops come at once: nothing may be read and bound
        return log

    def follow(self, surfaces: Surfaces) -> None:
        """Prepare the models that these surfaces name; return at once."""
        self._challengers.follow(surfaces)

    def rival(self, surfaces: Surfaces, name: str, request_id: str) -> Rival | None:
        """Return what to hold this answer against; None for most, and where it is not ready."""
        experiment = surfaces.by_name[name].experiment
        if experiment is None or experiment.kind != "shadow":
            return None
        [(arm, variant)] = experiment.variants.items()
        if bucket(request_id, experiment.salt) >= variant.share:
            return None
        surface = surfaces.variants[name, arm]
        if variant.model is None:
            return Rival(arm, surface, None)
        serving = self._challengers.read(variant.model)
        return None if serving is None else Rival(arm, surface, serving)

    def offer(self, surfaces: Surfaces, name: str, served: Ranked, again: Again) -> None:
        """Have a slate compared after it went out; called on an event loop's thread."""
        line = _line(surfaces.by_name[name])
        asyncio.get_running_loop().call_soon(self._shadows.offer, line, served, again)

    def answer(self, replica: str, surfaces: Surfaces) -> ExperimentsAnswer:
        """Return what `GET /v1/experiments` says."""
        found, refused = self._shadows.findings(), self._challengers.refused
        challengers = {}
        for name, surface in surfaces.by_name.items():
            if surface.experiment is None or surface.experiment.kind != "shadow":
                continue
            [variant] = surface.experiment.variants.values()
            model = variant.model
            ready = model is None or self._challengers.read(model) is not None
            reason = refused.get(model) if model is not None else None
            challengers[name] = Challenger(
                model, variant.share, ready, reason, found.get(_line(surface))
            )
        return listing(replica, surfaces, [log.counts for log in self._logs], challengers)

    def dropped(self) -> int:
        """Return how many exposures the store did not take."""
        return sum(log.appender.dropped for log in self._logs)


def _line(surface: Surface) -> str:
    """Return the name under which comparisons are summed: a new salt or model begins anew."""
    experiment = surface.experiment
    assert experiment is not None  # noqa: S101  whoever asks has looked
    [(arm, variant)] = experiment.variants.items()
    return " ".join((experiment.salt, arm, variant.model or "-"))
