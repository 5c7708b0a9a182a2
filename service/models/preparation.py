"""From an artifact's folder to what may be published."""

import logging
import time
from dataclasses import replace
from pathlib import Path
from typing import Final

from features.errors import SchemaInvalid
from features.near_cache import NearCache
from features.tracking import Tracking
from ranking.artifact import ArtifactRejected
from ranking.golden import golden_requests
from ranking.scorers import FunctionScorer
from ranking.snapshot import Snapshot
from ranking.surfaces import SurfacesRejected
from service.artifacts import find
from service.catalogue.log import ChangeLog, LogUnreachable
from service.catalogue.publisher import replay
from service.errors import SettingInvalid
from service.mapped import Loaded, MappedModels
from service.models.errors import ChangeRefused, PointerUnreachable, VersionRefused
from service.models.gate import Trained, inspect
from service.models.pointer import Pointer
from service.settings import Settings
from service.state import Serving
from service.surfaces.file import SurfaceFile

LONGEST_WARMING_S: Final = 10.0
WARMING_LOOK_S: Final = 0.02
NO_MORE_AFTER_S: Final = 1.0

log = logging.getLogger("braid")


class Preparation:
    """Reads, verifies, derives, warms, and holds against the golden requests."""

    def __init__(
        self, settings: Settings, tracking: Tracking, changes: ChangeLog, surfaces: SurfaceFile
    ) -> None:
        self._settings = settings
        self._models = MappedModels(settings.mapped)
        self._tracking = tracking
        self._changes = changes
        self._surfaces = surfaces

    def first(self, pointer: Pointer) -> Serving:
        """Prepare what a starting process serves: what the pointer wants, if it is here and whole.

        Without a pointer it is the artifact that the settings name. A replica that starts after
        a rollback must not come up with what was gone back from, however new that is.

        Raises:
            ArtifactRejected: the artifact is not whole or contradicts itself.
            SettingInvalid: a setting names something that is not there.
        """
        try:
            return self._first(pointer)
        finally:
            self._changes.close()  # nobody would, if this raises; the follower opens it anew

    def _first(self, pointer: Pointer) -> Serving:
        named = self._settings.artifact
        try:
            wanted = pointer.read()
        except PointerUnreachable:
            wanted = None  # the follower will see it later
        finally:
            pointer.close()  # nobody would, if what follows raises; the follower opens it anew
        if wanted is not None and (path := find(named.parent, wanted.version)) is not None:
            try:
                return self._serving(self._models.read(path), None)
            except ArtifactRejected, SchemaInvalid:
                pass  # the follower will try again, and report why not
        return self._serving(self._models.read(named), None)

    def next(self, folder: Path, before: Serving) -> Serving:
        """Prepare what is to be served after ``before``.

        Raises:
            VersionRefused: it is damaged or unfit; the message says what, and the remedy.
        """
        try:
            loaded = self._models.read(folder)
            snapshot, stored = loaded.snapshot, loaded.stored
            if snapshot.version != folder.name:
                raise VersionRefused(f"{folder} says that it is {snapshot.version}; rename it")
            serving = self._serving(loaded, before)
            serving.plans.make(self._surfaces.read())
            trained = Trained(snapshot, stored.record) if stored.record is not None else None
            inspect(serving, golden_requests(stored), trained)
        except ChangeRefused:
            raise
        except (ArtifactRejected, SettingInvalid, SchemaInvalid, SurfacesRejected) as fault:
            raise VersionRefused(str(fault)) from fault
        except Exception as fault:
            # What nobody has thought of is the artifact's fault, too, until somebody has looked.
            log.exception("preparing %s failed", folder)
            raise VersionRefused(f"{folder}: it cannot be served ({fault!r:.400})") from fault
        if serving.near is not before.near:
            self._await_rows(serving.near, len(snapshot.catalogue))
        return serving

    def _serving(self, loaded: Loaded, before: Serving | None) -> Serving:
        """Derive what is served; its near cache is kept coherent from now on."""
        settings, tracking, snapshot = self._settings, self._tracking, loaded.snapshot
        if settings.scorer is not None:
            snapshot = snapshot.ranked_by(_own_scorer(settings.scorer, snapshot))
        serial = 0
        try:
            snapshot, serial = replay(snapshot, self._changes)
        except LogUnreachable as fault:
            if before is not None:  # a swap must not lose what was put, or show what was retired
                raise PointerUnreachable(str(fault)) from fault
        serving = Serving.of(snapshot, settings.near_cache_mib, tracking.trust, before, loaded.kept)
        serving = replace(serving, catalogue_serial=serial)
        if before is None or serving.near is not before.near:
            tracking.follow(serving.near, snapshot.popular)
        return serving

    def _await_rows(self, near: NearCache, items: int) -> None:
        """Wait until the rows are near, so that the first requests do not all ask the store.

        Rows that the store lacks never come: where no more do, that is all.
        """
        latest = time.monotonic() + LONGEST_WARMING_S
        used, came = near.used, time.monotonic()
        while used < min(items, near.slots) and self._tracking.trust.holds():
            time.sleep(WARMING_LOOK_S)
            now = time.monotonic()
            if near.used != used:
                used, came = near.used, now
            if now > latest or now - came > NO_MORE_AFTER_S:
                return


def _own_scorer(spec: str, snapshot: Snapshot) -> FunctionScorer:
    user_columns = [f"user.{name}" for name in snapshot.user_columns]
    try:
        return FunctionScorer.load(spec, snapshot.columns, user_columns)
    except ValueError as fault:
        raise SettingInvalid(f"--scorer={spec!r}: {fault}") from None
