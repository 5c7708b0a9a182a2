"""A model beside the one that serves, for replays: loaded when it is asked for, never published."""

import threading
from pathlib import Path

from features.errors import SchemaInvalid
from features.trust import Trust
from ranking.artifact import ArtifactRejected, read
from service.artifacts import find
from service.models.background import in_background
from service.models.errors import UnknownVersion, VersionRefused
from service.state import Serving, State


class Beside:
    """The version that was replayed last, and the one that serves.

    Loaded from its artifact: what was put or retired over the API since is not in it. It does not
    pass the activation gate either, for a model that would be refused is a good thing to look at.
    """

    def __init__(self, folder: Path, state: State) -> None:
        """Find versions in a folder of artifacts."""
        self._folder = folder
        self._state = state
        self._kept: Serving | None = None
        self._loading = threading.Lock()

    def at_hand(self, version: str | None) -> Serving | None:
        """Return what a version serves from if it need not be loaded; None stands for current."""
        for serving in (self._state.read(), self._kept):
            if serving is not None and version in (None, serving.snapshot.version):
                return serving
        return None

    def load(self, version: str) -> Serving:
        """Load a version, in a thread that yields to all others, and keep it instead of the last.

        Raises:
            UnknownVersion, VersionRefused: it is not there, or damaged.
        """
        with self._loading:
            kept = self.at_hand(version)
            if kept is not None:
                return kept
            path = find(self._folder, version)
            if path is None:
                raise UnknownVersion(f"there is no {version!r} in {self._folder}; publish it there")
            before = self._state.read()
            try:
                # Without a near cache of its own: rows of other items are read each time.
                self._kept = in_background(lambda: Serving.of(read(path), 0, Trust(), before))
            except (ArtifactRejected, SchemaInvalid) as fault:
                raise VersionRefused(str(fault)) from fault
            return self._kept
