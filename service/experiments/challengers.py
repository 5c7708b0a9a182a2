"""The models that shadows rank by, each prepared once, beside the one that serves."""

import logging
import threading
from collections.abc import Callable
from pathlib import Path

from features.errors import SchemaInvalid
from features.trust import Trust
from ranking.artifact import ArtifactRejected, read
from ranking.surfaces import Surfaces, SurfacesRejected
from service.artifacts import find
from service.experiments.choose import Choice
from service.models.background import in_background
from service.state import Serving, State

log = logging.getLogger("braid")

type Challenge = tuple[str, Choice]
"""The name of a surface, and the variant of it that a model is to be tried with."""


class Challengers:
    """Follows what the surfaces name as shadows' models.

    A model is prepared in a thread that yields to all others, and freed when no surface names it
    any more. One that cannot be used is told of in ``refused``, and tried again when the surfaces
    are read anew.
    """

    def __init__(self, folder: Path, state: State) -> None:
        """Find them in a folder of artifacts."""
        self.refused: dict[str, str] = {}
        self._folder = folder
        self._state = state
        self._ready: dict[str, Serving] = {}
        self._wanted: dict[str, list[Challenge]] = {}
        self._following = threading.Lock()

    def read(self, version: str) -> Serving | None:
        """Return what a version serves from, None while it is not ready."""
        return self._ready.get(version)

    def follow(self, surfaces: Surfaces) -> threading.Thread:
        """Prepare what the surfaces name, in a thread of its own."""
        self._wanted = challenges(surfaces)
        thread = threading.Thread(target=self._follow, name="braid-shadows", daemon=True)
        thread.start()
        return thread

    def _follow(self) -> None:
        with self._following:
            wanted, before, self.refused = self._wanted, self._ready, {}
            self._ready = {}
            for version, posed in wanted.items():
                try:
                    serving = before.get(version) or in_background(self._preparation(version))
                    for name, choice in posed:
                        serving.plans.of(name, choice)  # so that no request is told of it
                except (ArtifactRejected, SchemaInvalid, SurfacesRejected) as fault:
                    log.warning("%s casts no shadow: %s", version, fault)
                    self.refused = self.refused | {version: str(fault)}
                else:
                    self._ready = self._ready | {version: serving}

    def _preparation(self, version: str) -> Callable[[], Serving]:
        path = find(self._folder, version)
        if path is None:
            raise ArtifactRejected(self._folder / version, "is not there", "publish it there")
        before = self._state.read()
        # Without a near cache of its own: of other items the artifact's rows have to do.
        return lambda: Serving.of(read(path), 0, Trust(), before)


def challenges(surfaces: Surfaces) -> dict[str, list[Challenge]]:
    """Return by version of a model what it is to be tried with."""
    found: dict[str, list[Challenge]] = {}
    for (name, arm), surface in surfaces.variants.items():
        experiment = surfaces.by_name[name].experiment
        model = experiment.variants[arm].model if experiment is not None else None
        if model is not None:
            found.setdefault(model, []).append((name, Choice(surface, arm)))
    return found
