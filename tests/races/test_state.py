"""What is published is whole, and nothing that anybody publishes is lost."""

import os
from collections.abc import Callable
from dataclasses import replace

import pytest

from features.trust import Trust
from ranking.catalogue import Catalogue
from ranking.surfaces import Surfaces
from service.experiments.choose import choose
from service.state import Serving, State
from service.surfaces.file import load
from tests.races.together import against, together
from tests.ranking.snapshots import live, snapshot

UPDATES = 5000
ROUNDS = 20_000


@pytest.fixture(scope="module")
def servings() -> list[Serving]:
    """Three worlds, each of another size, which says whose every part of it is."""
    return [world(size) for size in (50, 60, 70)]


@pytest.fixture(scope="module")
def surfaces() -> Surfaces:
    return load(None)


def world(size: int) -> Serving:
    ids, shown = tuple(map(str, range(size))), tuple({"n": item} for item in range(size))
    made = snapshot(size, version=str(size), catalogue=Catalogue(ids, shown))
    return replace(Serving.of(made, 1, Trust()), live=live(size))


def sizes(serving: Serving, surfaces: Surfaces) -> set[int]:
    """Return the sizes of the catalogues that the parts of a serving were made for."""
    assert serving.live is not None
    plan = serving.plans.of("home", choose(surfaces, "home", "u1"))
    return {
        int(serving.snapshot.version),
        len(serving.snapshot.catalogue),
        len(serving.snapshot.embeddings),
        len(serving.items),
        len(serving.properties),
        len(serving.live.trend),
        serving.filters.table.size,
        len(serving.filters.hidden("n < 10")),
        plan.rules.attributes.table.size,
    }


def publishing(state: State, servings: list[Serving]) -> Callable[[], None]:
    def publish() -> None:
        for turn in range(ROUNDS):
            state.publish(servings[turn % len(servings)])
            os.sched_yield()

    return publish


def counting(state: State) -> Callable[[], None]:
    """Publish the same with other counts, as the live counts are published over a snapshot."""

    def update() -> None:
        for _ in range(UPDATES):
            state.update(lambda now: replace(now, catalogue_serial=now.catalogue_serial + 1))

    return update


def test_whoever_reads_while_others_publish_gets_all_parts_of_one_snapshot(
    servings: list[Serving], surfaces: Surfaces
) -> None:
    state = State(servings[0])
    seen = set[int]()

    def look() -> None:
        [size] = sizes(state.read(), surfaces)
        seen.add(size)

    against([publishing(state, servings), counting(state)], look, look)
    assert len(seen) > 1


def test_no_update_is_lost_to_another(servings: list[Serving]) -> None:
    state = State(servings[0])
    together(*(counting(state) for _ in range(4)))
    assert state.read().catalogue_serial == 4 * UPDATES


def test_what_one_thread_reads_never_goes_back(servings: list[Serving]) -> None:
    state = State(servings[0])
    highest = [0, 0]

    def look(reader: int) -> None:
        serial = state.read().catalogue_serial
        assert serial >= highest[reader]
        highest[reader] = serial

    against([counting(state)] * 2, lambda: look(0), lambda: look(1))
    assert state.read().catalogue_serial == 2 * UPDATES
