"""Surfaces that name shadows' models, read anew again and again while those are prepared."""

import threading
from pathlib import Path

import pytest

from features.trust import Trust
from ranking.artifact import read
from ranking.surfaces import Surfaces, parse
from service.experiments.challengers import Challengers
from service.state import Serving, State
from tests.races.together import against
from tests.service.models import publish

EDITS = 6


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("challengers")
    for world, seed in (("one", 0), ("two", 1)):
        publish(folder, world=world, seed=seed)
    return folder


def shadowed(model: str) -> Surfaces:
    return parse(f"""\
[surfaces.home.experiment]
salt = "s"
kind = "shadow"
[surfaces.home.experiment.variants.rival]
share = 1.0
model = "{model}"
""")


def test_what_is_ready_in_the_end_is_what_the_last_edit_names(folder: Path) -> None:
    versions = sorted(path.name for path in folder.iterdir())
    state = State(Serving.of(read(folder / versions[0]), 1, Trust()))
    challengers = Challengers(folder, state)
    threads = list[threading.Thread]()

    def edit() -> None:
        threads.extend(challengers.follow(shadowed(versions[turn % 2])) for turn in range(1, EDITS))
        for thread in threads:
            thread.join()

    def look() -> None:
        for version in versions:
            ready = challengers.read(version)
            assert ready is None or ready.snapshot.version == version

    against([edit], look, look)
    last = versions[(EDITS - 1) % 2]
    other = versions[EDITS % 2]
    assert challengers.read(last) is not None
    assert challengers.read(other) is None, "a model that nobody names is kept"
    assert challengers.refused == {}
