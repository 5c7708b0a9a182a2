"""Sentinels: the master they name is found, and found again after a failover."""

import asyncio
from collections.abc import Iterator

import pytest
from redis import RedisError

from features import keys
from features.address import Address
from features.bulk import write_items
from features.client import connect
from features.errors import StoreUnavailable
from features.events import Event
from features.sentinel import reach
from tests.features.dropped import UNCLOSED
from tests.features.loops import Loop
from tests.features.schemas import ITEM, USER
from tests.features.sentinels import Sentinels
from tests.features.shelves import until
from tests.features.test_failover import at_last
from tests.features.test_store import IDS, PATIENT_S, ROWS, TABLE, opened, ordinals
from tests.features.test_tracking import followed, is_warm, tracking, write

pytestmark = UNCLOSED


@pytest.fixture
def run() -> Loop:
    """One loop will do: each test waits for seconds until sentinels agree."""
    return Loop("uvloop")


@pytest.fixture
def sentinels(program: str) -> Iterator[Sentinels]:
    with Sentinels() as sentinels:
        yield sentinels


@pytest.mark.parametrize("killed", [False, True])
def test_the_new_master_is_found_and_has_what_was_confirmed(
    sentinels: Sentinels, run: Loop, killed: bool
) -> None:
    with connect(sentinels.url) as client:
        write_items(client, IDS[:9], ROWS[:9], ITEM, lambda _: None)
        client.execute_command("WAIT", 1, 0)

    async def main() -> None:
        async with opened(Address.parse(sentinels.url)) as store:
            rows, _ = await store.read_items(TABLE, ordinals(0, 1), PATIENT_S)
            assert rows.tobytes() == ROWS[:2].tobytes()
            before = sentinels.primary()
            sentinels.kill(before) if killed else sentinels.fail_over()
            await asyncio.to_thread(until, lambda: sentinels.is_done(before))
            event = Event("bob", "a", "view", 1, "once")
            await at_last(lambda: store.append_events([event]))
            assert await store.append_events([event]) == 0
            assert sentinels.clients[1].exists(keys.user_history("bob")) == 1
            rows, _ = await store.read_items(TABLE, ordinals(0, 1), PATIENT_S)
            assert rows.tobytes() == ROWS[:2].tobytes()
            assert (await store.read_user("bob", USER, PATIENT_S)).history == ["a"]
            assert store.counts.reconnects >= 1

    run(main())


def test_near_rows_are_read_anew_from_the_new_master(sentinels: Sentinels) -> None:
    with connect(sentinels.url) as client:
        write(client, 1)
        with tracking(Address.parse(sentinels.url)) as line:
            cache = followed(line)
            until(is_warm(cache, 1))
            before = sentinels.primary()
            sentinels.fail_over()
            until(lambda: sentinels.is_done(before))
            until(lambda: _wrote(sentinels))
            until(is_warm(cache, 2))


def _wrote(sentinels: Sentinels) -> bool:
    try:
        with connect(sentinels.url, 1.0) as client:
            write(client, 2)
    except RedisError:
        return False
    return True


def test_a_name_that_no_sentinel_knows_is_told(sentinels: Sentinels, run: Loop) -> None:
    address = Address.parse(sentinels.url.replace("/braid", "/other"))
    with pytest.raises(StoreUnavailable, match="knows no service 'other'"):
        run(reach(address, 5.0))


def test_one_sentinel_that_answers_is_enough(sentinels: Sentinels, run: Loop) -> None:
    hosts = f"127.0.0.1:1,127.0.0.1:{sentinels.sentinel_ports[2]}"

    async def main() -> None:
        async with opened(Address.parse(f"redis+sentinel://{hosts}/braid")) as store:
            assert await at_last(lambda: store.append_events([Event("bob", "a", "view", 1)])) == 1

    run(main())
