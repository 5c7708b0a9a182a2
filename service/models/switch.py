"""The switch: what this process serves, changed whole and under load, or not at all."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from service.artifacts import find
from service.catalogue.log import LogUnreachable
from service.models.background import in_background
from service.models.errors import (
    ChangeRefused,
    ChangeUnderWay,
    NothingToGoBackTo,
    PointerUnreachable,
    UnknownVersion,
    VersionRefused,
)
from service.models.pointer import Pointer, Report, Wanted
from service.state import Serving, State

PATIENCE_S: Final = 1.0
"""A rollback is done by then, and a look at the pointer; a model is not prepared."""

type Prepare = Callable[[Path, Serving], Serving]
"""From an artifact, and what is served now, to what may be published; raises VersionRefused."""

type Publish = Callable[[Serving], None]
"""Has it served, with the latest word on the catalogue; raises LogUnreachable."""


class Switch:
    """Activates, goes back, follows: one change at a time, each prepared beside what is served.

    A request reads the state once, so each answer comes from one version. The version that the
    pointer calls previous is kept as it was served, so going back takes no loading; any other
    is freed when its last reader has left.
    """

    def __init__(
        self, folder: Path, state: State, prepare: Prepare, publish: Publish, pointer: Pointer
    ) -> None:
        """Switch between the artifacts in folder."""
        self.folder = folder
        self._state = state
        self._show = publish
        self._prepare = prepare
        self._pointer = pointer
        self._changing = threading.Lock()
        self._kept: Serving | None = None
        self._refused: dict[str, str] = {}

    def report(self) -> Report:
        """Return what is served here and what was refused here."""
        return Report(self._state.read().snapshot.version, dict(self._refused))

    def activate(self, version: str) -> Wanted:
        """Serve a version here, and have every replica follow.

        Raises:
            ChangeRefused: nothing has changed, here or elsewhere.
        """
        with self._one_change():
            serving = self._prepared(version)
            wanted = self._pointer.activate(version, instead_of=self.report().version)
            self._publish(serving, wanted)
            return wanted

    def roll_back(self) -> Wanted:
        """Serve the previous version here, and have every replica follow.

        Raises:
            ChangeRefused: nothing has changed, here or elsewhere.
        """
        with self._one_change():
            wanted = self._pointer.read()
            if wanted is None or wanted.previous is None:
                raise NothingToGoBackTo("no version was left by an activation; activate one")
            serving = self._at_hand(wanted.previous)
            wanted = self._pointer.roll_back(wanted.previous)
            self._publish(serving, wanted)
            return wanted

    def follow(self) -> None:
        """Serve what is wanted.

        Raises:
            ChangeRefused: as before; the next report says why.
        """
        with self._one_change():
            # Read in here: what was wanted before a change of ours may be what it replaced.
            wanted = self._pointer.read()
            if wanted is None:
                return
            serving = self._state.read()
            try:
                if serving.snapshot.version != wanted.version:
                    serving = self._at_hand(wanted.version)
            except ChangeRefused as fault:
                self._refused[wanted.version] = str(fault)
                raise
            self._publish(serving, wanted)

    def _at_hand(self, version: str) -> Serving:
        if self._kept is not None and self._kept.snapshot.version == version:
            return self._kept
        return self._prepared(version)

    def _prepared(self, version: str) -> Serving:
        path = find(self.folder, version)
        if path is None:
            raise UnknownVersion(f"there is no {version!r} in {self.folder}; publish it there")
        try:
            before = self._state.read()
            serving = in_background(lambda: self._prepare(path, before))
        except VersionRefused as fault:
            self._refused[version] = str(fault)
            raise
        self._refused.pop(version, None)
        return serving

    def _publish(self, serving: Serving, wanted: Wanted) -> None:
        before = self._state.read()
        if serving is not before:
            try:
                self._show(serving)
            except LogUnreachable as fault:
                raise PointerUnreachable(f"{fault}; see what is wanted") from fault
        known = [one for one in (before, self._kept) if one is not None and one is not serving]
        self._kept = next((one for one in known if one.snapshot.version == wanted.previous), None)

    @contextmanager
    def _one_change(self) -> Iterator[None]:
        if not self._changing.acquire(timeout=PATIENCE_S):
            raise ChangeUnderWay("another model is being prepared here; wait for it")
        try:
            yield
        finally:
            self._changing.release()
