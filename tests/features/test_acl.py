"""The least rights: what docs/redis.md grants is enough for everything, and none of it too much."""

import asyncio
import re
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from redis import Redis

from features import keys
from features.address import Address
from features.bulk import write_histories, write_items, write_users
from features.client import connect
from features.events import BUCKET_MS, Event
from features.exposures import Exposure, exposure_command
from features.item_table import ItemTable
from features.served import Served, served_commands
from features.served_features import append_command
from features.store import FeatureStore
from service.catalogue.log import ChangeLog, Put, RowWrite
from service.embedded import EmbeddedValkey
from service.live.feed import Feed
from service.models.pointer import Pointer, Report
from tests.features import served
from tests.features.cluster import LocalCluster
from tests.features.schemas import ITEM, USER, draw
from tests.features.shelves import until
from tests.features.test_tracking import followed, is_warm, tracking, write
from training.logs.export import export

PAGE = (Path(__file__).parents[2] / "docs" / "redis.md").read_text()
RULE = re.search(r"ACL SETUSER braid on >password (.*?)\n\n", PAGE, re.DOTALL)
LOADING = {"+mset", "+rpush", "+xrange"}
CLUSTER = {"+cluster|slots", "+cluster|nodes", "+command", "+asking"}


def rights() -> list[str]:
    assert RULE is not None
    return RULE.group(1).split()


def grant(client: Redis, more: set[str]) -> None:
    words = ("ACL", "SETUSER", "braid", "reset", "on", ">password", *rights(), *sorted(more))
    client.execute_command(*words)  # type: ignore[no-untyped-call]  # redis-py's
    client.execute_command("ACL", "LOG", "RESET")  # type: ignore[no-untyped-call]  # redis-py's
    client.config_resetstat()


def do_everything(url: str, folder: Path) -> None:
    """Run whatever a service, `braid load` and the exports do."""
    address, now_ms = Address.parse(url), time.time_ns() // 1_000_000
    with connect(url, 5.0) as client:
        write(client, 1)
        write_items(client, ["a", "b"], draw(ITEM, 2), ITEM, lambda _: None)
        write_users(client, ["ann"], draw(USER, 1), USER, lambda _: None)
        write_histories(client, [("ann", ["1:view:a"])], 10, lambda _: None)
        feed = Feed(client)
        feed.load(now_ms // BUCKET_MS)

        async def serve() -> None:
            store = FeatureStore(address, 20.0, 10)
            await store.open()
            await store.read_items(ItemTable(["a", "b"], ITEM), np.arange(2), 20.0)
            await store.read_user("ann", USER, 20.0, 10)
            events = [Event("ann", "a", "click", now_ms, "e"), Event("ann", "a", "impression", 1)]
            await store.append_events([*events, Event("bob", "a", "view", now_ms)])
            exposure = Exposure("ann", "home", "salt", "control", "r", now_ms)
            await store.append(served_commands(Served("ann", ("a",), now_ms), 10))
            await store.append([exposure_command(exposure), append_command(served.draw(1))])
            await store.close()

        asyncio.run(serve())
        feed.follow(1)
        feed.load(now_ms // BUCKET_MS)
        export(client, folder)
    with tracking(address) as line:
        cache = followed(line)
        until(is_warm(cache, 1))
    pointer = Pointer(url)
    pointer.activate("v1", "v0")
    pointer.activate("v2", "v0")
    pointer.roll_back("v1")
    pointer.report("replica", Report("v1"))
    pointer.read()
    pointer.reports()
    with pointer.announcements():
        pass
    pointer.close()
    log = ChangeLog.at(url)
    log.put([Put("a", {"x": 1}, {"f": 1})])
    log.put([Put("a", {"x": 1}, {"f": 2})])
    log.retire(["a", "z"], [True, False])
    log.read(0)
    log.write_rows([RowWrite(keys.item_row("a"), b"x" * 40, ((17, b"ab"),))])
    with log.announcements():
        pass
    log.close()


def refused(client: Redis) -> list[str]:
    objects = [str(entry["object"]) for entry in client.acl_log() if entry["username"] == "braid"]
    return [one for one in objects if one != "client|setinfo"]  # redis-py's name, of no use


@pytest.fixture
def server(program: str) -> Iterator[tuple[EmbeddedValkey, Redis]]:
    with EmbeddedValkey() as valkey, Redis.from_url(valkey.url) as client:
        yield valkey, client


def test_the_rights_are_enough_and_each_is_used(
    server: tuple[EmbeddedValkey, Redis], tmp_path: Path
) -> None:
    valkey, client = server
    grant(client, LOADING)
    # A replica that has gone is forgotten: the one way to the commands that do so.
    client.zadd(keys.MODEL_SEEN, {"gone": 1})
    do_everything(valkey.url.replace("unix://", "unix://braid:password@"), tmp_path)
    assert refused(client) == []
    used = {f"+{name.removeprefix('cmdstat_')}" for name in client.info("commandstats")}
    granted = {one for one in (*rights(), *LOADING) if one.startswith("+")}
    assert granted - used <= {"+unsubscribe"}  # of a client that stays when it has heard enough


def test_a_cluster_needs_a_few_more(program: str, tmp_path: Path) -> None:
    with LocalCluster(3) as cluster:
        for node in cluster.nodes:
            grant(node.client, LOADING | CLUSTER)
        do_everything(cluster.url.replace("://", "://braid:password@"), tmp_path)
        assert [refused(node.client) for node in cluster.nodes] == [[], [], []]


def test_without_any_other_right_nothing_else_is_reached(
    server: tuple[EmbeddedValkey, Redis],
) -> None:
    valkey, client = server
    grant(client, set())
    with connect(valkey.url.replace("unix://", "unix://braid:password@")) as braid:
        for words in (("GET", "other"), ("FLUSHALL",), ("KEYS", "*"), ("CONFIG", "GET", "*")):
            with pytest.raises(Exception, match=r"NOPERM|permission"):
                braid.execute_command(*words)


def test_the_page_names_what_loading_and_a_cluster_need() -> None:
    for right in LOADING | CLUSTER:
        assert right in PAGE
