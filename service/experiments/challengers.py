"""The models that shadows rank by, each prepared once, beside the one that serves."""

import logging
import threading
from collections.abc import Callable
from pathlib import Path

from features.errors import SchemaInvalid
from features.trust import Trust
from ranking.artifact import ArtifactRejected, read
from ranking.surfaces import Surfaces
from service.artifacts import find
from service.models.background import in_background
from service.state import Serving, State

log = logging.getLogger("braid")


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
        self._wanted: set[str] = set()
        self._following = threading.Lock()

    def read(self, version: str) -> Serving | None:
        """Return what a version serves from, None while it is not ready."""
        return self._ready.get(version)

    def follow(self, surfaces: Surfaces) -> threading.Thread:
        """Prepare what the surfaces name, in a thread of its own."""
        self._wanted = models_of(surfaces)
        thread = threading.Thread(target=self._follow, name="braid-shadows", daemon=True)
        thread.start()
        return thread

    def _follow(self) -> None:
        with self._following:
            versions, self.refused = self._wanted, {}
            self._ready = {one: known for one, known in self._ready.items() if one in versions}
            for version in sorted(versions - set(self._ready)):
                try:
                    prepared = in_background(self._preparation(version))
                except (ArtifactRejected, SchemaInvalid) as fault:
                    log.warning("%s casts no shadow: %s", version, fault)
                    self.refused = self.refused | {version: str(fault)}
                else:
                    self._ready = self._ready | {version: prepared}

    def _preparation(self, version: str) -> Callable[[], Serving]:
        path = find(self._folder, version)
        if path is None:
            raise ArtifactRejected(self._folder / version, "is not there", "publish it there")
        before = self._state.read()
        # Without a near cache of its own: of other items the artifact's rows have to do.
        return lambda: Serving.of(read(path), 0, Trust(), before)


def models_of(surfaces: Surfaces) -> set[str]:
    """Return the versions that shadows are to rank by."""
    return {
        variant.model
        for surface in surfaces.by_name.values()
        if surface.experiment is not None
        for variant in surface.experiment.variants.values()
        if variant.model is not None
    }
