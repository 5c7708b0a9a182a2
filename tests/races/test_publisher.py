"""Puts, retirements, live counts and swaps of the model at once: nothing acknowledged is undone."""

import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import count

import pytest
from redis import Redis

from service.catalogue.log import Put
from service.state import Serving
from tests.features.shelves import ALWAYS
from tests.races.together import against
from tests.ranking.snapshots import live, snapshot
from tests.service.test_catalogue_publishing import Desk, faults, named
from tests.stores import Store

WRITES, LIVE = 60, 1200


@pytest.fixture
def desk(valkey: Store, client: Redis) -> Iterator[Desk]:
    assert client.ping()
    desk = Desk(valkey.url)
    yield desk
    desk.log.close()


class Word:
    """What clients were told: items that must be there from then on, and items that must not."""

    def __init__(self) -> None:
        self.put, self.retired = list[str](), list[str]()
        self.wrong = list[str]()
        self._looking = threading.Lock()

    def look(self, read: Callable[[], Serving]) -> None:
        put, retired = self.put.copy(), self.retired.copy()
        serving = read()
        of = serving.snapshot
        wrong = faults(serving)
        wrong += [f"{one} is gone" for one in put if of.catalogue.ordinal(one) is None]
        for one in retired:
            place = of.catalogue.ordinal(one)
            if place is not None and (of.retired is None or not of.retired[place]):
                wrong.append(f"{one} is back")
        with self._looking:
            self.wrong += wrong


def test_what_was_acknowledged_stays_whatever_else_is_published(desk: Desk) -> None:
    word = Word()
    models = [
        Serving.of(named(snapshot(version=name, seed=seed)), 1, ALWAYS)
        for seed, name in enumerate(("a", "b"))
    ]

    def look() -> None:
        word.look(desk.state.read)

    def put() -> None:
        for number in range(WRITES):
            desk.writer.put_items([Put(f"new{number}", {"name": f"new{number}"}, {})])
            word.put.append(f"new{number}")

    def retire() -> None:
        for number in range(40):
            desk.writer.retire_items([str(number)])
            word.retired.append(str(number))

    def swap() -> None:
        for turn in count():
            if len(word.put) == WRITES:
                return
            desk.publisher.publish(models[turn % 2])
            look()

    def tell() -> None:
        for turn in range(LIVE):
            desk.state.update(
                lambda now, turn=turn: replace(  # type: ignore[misc]  # it binds
                    now, live=live(len(now.snapshot.catalogue), turn % 5)
                )
            )

    against([put, retire, swap, tell], look, look)
    look()
    assert word.wrong == []
    assert (len(word.put), len(word.retired)) == (WRITES, 40)


def test_one_follower_and_many_writers_publish_each_change_once(desk: Desk) -> None:
    """Whoever comes second finds it done: the catalogue has each item in one place."""

    def put(number: int) -> None:
        for turn in range(30):
            item = f"w{number}-{turn}"
            desk.writer.put_items([Put(item, {"name": item}, {})])

    def follow() -> None:
        desk.publisher.catch_up()

    against([lambda: put(0), lambda: put(1)], follow, follow)
    serving = desk.state.read()
    ids = serving.snapshot.catalogue.ids
    assert len(ids) == len(set(ids)) == 50 + 60
    assert desk.publisher.changes == 60
    assert faults(serving) == []
