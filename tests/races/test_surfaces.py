"""A file of surfaces written, followed and served by, all at once."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from features.trust import Trust
from service.experiments.choose import choose
from service.state import Serving, State
from service.surfaces import file as module
from service.surfaces.file import SurfaceFile
from tests.features.shelves import until
from tests.races.together import against
from tests.ranking.snapshots import snapshot

EDITS = 100


def edit(path: Path, number: int) -> None:
    """Write a file whose two surfaces tell the same number, and put it in place in one step."""
    lines = [f"[surfaces.{name}]\nlimit = {number}\n" for name in ("one", "two")]
    beside = path.with_suffix(".new")
    beside.write_text("".join(lines))
    beside.replace(path)


@pytest.fixture
def followed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> SurfaceFile:
    monkeypatch.setattr(module, "LOOK_EVERY_S", 0.0001)
    edit(tmp_path / "surfaces.toml", 1)
    return SurfaceFile(tmp_path / "surfaces.toml")


@pytest.fixture(scope="module")
def state() -> State:
    return State(Serving.of(snapshot(), 1, Trust()))


def asking(file: SurfaceFile, state: State, seen: set[int]) -> Callable[[], None]:
    def ask() -> None:
        serving, surfaces = state.read(), file.read()
        plans = [
            serving.plans.of(name, choose(surfaces, name, "u1")) for name in ("one", "two", "home")
        ]
        assert plans[0].surface.limit == plans[1].surface.limit, "half of an edit"
        assert plans[0].surface is surfaces.by_name["one"], "the plan of another edit"
        seen.add(plans[0].surface.limit)

    return ask


def test_whoever_asks_while_it_changes_is_served_by_one_edit_and_the_last_one_stays(
    followed: SurfaceFile, state: State, tmp_path: Path
) -> None:
    seen, told = set[int](), list[int]()
    followed.start(
        state.read().plans.check,
        lambda surfaces: told.append(surfaces.by_name["one"].limit),
    )

    def work() -> None:
        for number in range(2, EDITS):
            edit(tmp_path / "surfaces.toml", number % 199 + 1)
            for _ in range(20):
                os.sched_yield()

    try:
        against([work], asking(followed, state, seen), asking(followed, state, seen))
        last = (EDITS - 1) % 199 + 1
        until(lambda: followed.read().by_name["one"].limit == last)
    finally:
        followed.stop()
    assert len(seen) > 3
    assert told[-1] == last
    assert followed.fault is None
