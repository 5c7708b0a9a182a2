"""Publishing beside readers: what each of them sees is of one snapshot, and nothing piles up."""

import gc
import sys
import threading
import weakref
from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from redis import Redis

from features.near_cache import NearCache
from features.schema import Schema
from features.trust import Trust
from features.types import Items, Live
from ranking.catalogue import Catalogue
from ranking.retrieval import retrieve
from ranking.snapshot import Snapshot
from service.catalogue.log import ChangeLog, Put
from service.catalogue.publisher import Publisher, replay
from service.catalogue.writer import CatalogueWriter
from service.state import Serving, State
from tests.features.shelves import ALWAYS
from tests.ranking.snapshots import context, snapshot
from tests.stores import Store

READERS = 8


class Desk:
    """A state that clients change, without sockets."""

    def __init__(self, url: str, **changes: Any) -> None:
        self.followed: list[NearCache] = []
        self.log = ChangeLog.at(url)
        base, serial = replay(named(snapshot(**changes)), self.log)
        self.state = State(replace(Serving.of(base, 1, ALWAYS), catalogue_serial=serial))
        self.publisher = Publisher(self.state, self.log, self._follow)
        self.writer = CatalogueWriter(self.state, self.log, self.publisher)

    def _follow(self, near: NearCache, _: Items) -> None:
        self.followed.append(near)


def named(of: Snapshot) -> Snapshot:
    """Return a snapshot whose items say in their properties who they are."""
    ids = of.catalogue.ids
    return replace(of, catalogue=Catalogue(ids, tuple({"name": item} for item in ids)))


def item(item_id: str, **features: Any) -> Put:
    return Put(item_id, {"name": item_id}, features)


@pytest.fixture
def desk(valkey: Store, client: Redis) -> Iterator[Desk]:
    assert client.ping()
    desk = Desk(valkey.url)
    yield desk
    desk.log.close()


def faults(serving: Serving) -> list[str]:
    """Return what does not fit together in what is served."""
    of = serving.snapshot
    n = len(of.catalogue)
    sizes = {
        "embeddings": len(of.embeddings),
        "directions": len(of.directions),
        "neighbours": len(of.neighbours),
        "popularity": len(of.popularity),
        "popular": len(of.popular),
        "rows": len(of.item_rows),
        "keys": len(serving.items),
        "properties": len(serving.properties),
        "filters": serving.filters.table.size,
        "live": len(serving.live.trend) if serving.live else n,
        "retired": len(of.retired) if of.retired is not None else n,
    }
    wrong = [f"{name}: {size} of {n}" for name, size in sizes.items() if size != n]
    if serving.near.table.owners[:n].tolist() != serving.items.owners.tolist():
        wrong.append("the near cache has other items")
    return wrong


def test_every_reader_sees_one_snapshot_while_a_writer_publishes(desk: Desk) -> None:
    wrong, rounds, ended = list[str](), [0] * READERS, threading.Event()

    def read(number: int) -> None:
        rng = np.random.default_rng(number)
        while not ended.is_set():
            serving = desk.state.read()
            of = serving.snapshot
            wrong.extend(faults(serving))
            history = rng.integers(0, len(of.catalogue), 3)
            items = retrieve(context(*history), of).items
            serving.near.gather(items)
            names = [serving.properties[place] for place in items.tolist()]
            told = [b'{"name":"%b"}' % of.catalogue.ids[place].encode() for place in items.tolist()]
            if list(map(bytes, names)) != told:
                wrong.append("an item has another's properties")
            if of.retired is not None and of.retired[items].any():
                wrong.append("a retired item is a candidate")
            hidden = serving.filters.hidden(f"name = '{of.catalogue.ids[-1]}'")
            if np.flatnonzero(~hidden).tolist() != [len(of.catalogue) - 1]:
                wrong.append("the filter keeps other items")
            rounds[number] += 1

    threads = [threading.Thread(target=read, args=(number,)) for number in range(READERS)]
    for thread in threads:
        thread.start()
    try:
        for number in range(60):
            desk.writer.put_items([item(f"new-{number}-{k}", year=1950 + k) for k in range(3)])
            desk.writer.retire_items([f"new-{number}-0", str(number % 50)])
            desk.writer.put_items([item(str(number % 50), genre=["a"])])
    finally:
        ended.set()
        for thread in threads:
            thread.join()
    assert wrong == []
    assert min(rounds) > 0
    assert desk.state.read().snapshot.upserted == 180


def test_counts_and_catalogue_are_published_side_by_side_and_neither_loses(desk: Desk) -> None:
    ended = threading.Event()
    wrong = list[str]()

    def count() -> None:
        number = 0
        while not ended.is_set():
            number += 1

            def counted(now: Serving, number: int = number) -> Serving:
                return replace(now, live=live(len(now.snapshot.catalogue), number))

            wrong.extend(faults(desk.state.update(counted)))

    thread = threading.Thread(target=count)
    thread.start()
    try:
        for number in range(50):
            desk.writer.put_items([item(f"new-{number}")])
            wrong.extend(faults(desk.state.read()))
    finally:
        ended.set()
        thread.join()
    assert wrong == []
    assert desk.state.read().snapshot.upserted == 50


def live(size: int, number: int) -> Live:
    counts = np.full((2, size), number, np.float32)
    return Live(counts, counts, counts[0], np.arange(min(size, 3)))


def test_a_new_item_has_done_nothing_yet(desk: Desk) -> None:
    desk.state.update(lambda now: replace(now, live=live(50, 7)))
    desk.writer.put_items([item("new")])
    counted = desk.state.read().live
    assert counted is not None
    assert counted.trend.tolist() == [7] * 50 + [0]
    assert counted.impressions.shape == (2, 51)


def test_a_thousand_publications_leave_nothing_behind(desk: Desk) -> None:
    desk.writer.put_items([item("new")])
    old = list[weakref.ref[Any]]()
    blocks = list[int]()
    for number in range(1000):
        old = [one for one in old if one() is not None]
        old.append(weakref.ref(desk.state.read().snapshot.item_rows))
        desk.writer.put_items([item("new", year=1900 + number % 100)])
        if number % 200 == 199:
            gc.collect()
            blocks.append(sys.getallocatedblocks())
    assert desk.publisher.publications == 1001
    assert sum(ref() is not None for ref in old) <= 1, "what was served before is freed"
    # Other threads of the process come and go by hundreds; what each publication left behind would
    # be there after every two hundred of them.
    grown = [after - before for before, after in pairwise(blocks)]
    assert min(grown) < 100, "not an object for each publication"


def test_changes_that_arrive_together_are_published_together(desk: Desk) -> None:
    desk.log.put([item("a"), item("b")])
    desk.log.put([item("c")])
    desk.log.retire(["3"], [True])
    assert desk.publisher.catch_up()
    assert not desk.publisher.catch_up()
    assert (desk.publisher.publications, desk.publisher.changes) == (1, 4)
    assert desk.publisher.lag_s > 0


def test_items_have_the_same_ordinals_on_every_replica(desk: Desk, valkey: Store) -> None:
    for names in ("ab", "c", "a", "d", "ca"):
        desk.writer.put_items([item(name) for name in names])
    late = Desk(valkey.url)
    ids = late.state.read().snapshot.catalogue.ids
    assert ids == desk.state.read().snapshot.catalogue.ids
    assert ids[-4:] == ("a", "b", "c", "d")
    late.log.close()


def test_more_changes_than_one_read_brings_are_all_read(desk: Desk, valkey: Store) -> None:
    for start in range(0, 2500, 500):
        desk.writer.put_items([item(f"n{number}") for number in range(start, start + 500)])
    late = Desk(valkey.url)
    assert late.state.read().snapshot.upserted == 2500
    assert faults(late.state.read()) == []
    late.log.close()


def test_a_catalogue_that_outgrows_its_near_cache_gets_another_that_is_followed(desk: Desk) -> None:
    near = desk.state.read().near
    desk.writer.put_items([item(f"n{number}") for number in range(1000)])
    assert desk.state.read().near is near
    desk.writer.put_items([item(f"m{number}") for number in range(100)])
    assert desk.state.read().near is not near
    assert desk.followed == [desk.state.read().near]


def test_a_model_that_is_swapped_in_has_the_latest_word(desk: Desk) -> None:
    desk.writer.put_items([item("new")])
    prepared = Serving.of(named(snapshot(version="next", seed=3)), 1, Trust())
    desk.log.put([item("newer")])
    desk.log.retire(["3"], [True])
    desk.publisher.publish(prepared)
    served = desk.state.read()
    assert served.snapshot.version == "next"
    assert served.snapshot.catalogue.ids[-2:] == ("new", "newer")
    assert served.snapshot.retired is not None
    assert served.snapshot.retired.nonzero()[0].tolist() == [3]


def test_a_feature_that_the_schema_has_no_more_is_passed_over(desk: Desk) -> None:
    desk.log.put([Put("new", None, {"year": 1999, "colour": 3, "genre": ["a", "zzz"]})])
    desk.publisher.catch_up()
    served = desk.state.read().snapshot
    schema = Schema.parse(served.schemas["item"])
    assert served.item_rows[-1].tolist() == [1999.0, *schema.default_row[1:].tolist()]
