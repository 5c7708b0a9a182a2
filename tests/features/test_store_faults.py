"""The store when its server stops, dies, comes back, or was never there."""

import asyncio
import os
import signal
import time
from collections.abc import Callable, Coroutine
from typing import Any

import pytest
from redis import Redis

from features import keys
from features.address import Address
from features.chance import CHANCE
from features.errors import StoreUnavailable
from features.events import Event
from features.history import history_entry
from features.store import FeatureStore
from service.embedded import EmbeddedValkey
from tests.features.loops import Loop
from tests.features.schemas import USER
from tests.features.test_store import PATIENT_S, opened

BUDGET_S = 0.02
# What a busy test machine may add to a budget; a missing limit would cost the full 30 s.
SLACK_S = 1.0
RECONNECTED_S = 2.0  # the longest pause between attempts is 0.5 s


async def ask(store: FeatureStore, within_s: float = PATIENT_S) -> str:
    """Read a user; return ``ok`` or the reason why not."""
    try:
        await store.read_user("ann", USER, within_s)
    except StoreUnavailable as fault:
        return fault.reason
    return "ok"


def at_once(answer: Coroutine[Any, Any, str]) -> str:
    """Return what a coroutine returns without ever waiting for anything."""
    with pytest.raises(StopIteration) as ended:
        answer.send(None)
    answer.close()
    return str(ended.value.value)


async def until(holds: Callable[[], bool], within_s: float) -> None:
    async with asyncio.timeout(within_s):
        while not holds():  # noqa: ASYNC110  the store tells nobody when it has reconnected
            await asyncio.sleep(0.002)


def test_a_stopped_server_costs_one_budget_and_then_nothing(
    frail: EmbeddedValkey, run: Loop
) -> None:
    async def main() -> None:
        async with opened(Address.parse(frail.url), BUDGET_S) as store:
            assert await ask(store) == "ok"
            pid = frail.pid
            os.kill(pid, signal.SIGSTOP)
            try:
                began = time.monotonic()
                assert await ask(store) == "store_timeout"
                assert time.monotonic() - began < BUDGET_S + SLACK_S
                for _ in range(100):
                    assert at_once(ask(store)) == "store_down"
                # Handshakes still succeed (the kernel makes them): that is no connection.
                await asyncio.sleep(0.1)
                assert not store.connected
                assert at_once(ask(store)) == "store_down"
            finally:
                os.kill(pid, signal.SIGCONT)
            await until(lambda: store.connected, RECONNECTED_S)
            assert await ask(store) == "ok"

    run(main())


def test_the_first_timeout_already_drops_a_stuck_connection(
    frail: EmbeddedValkey, run: Loop
) -> None:
    """In every round: clocks tick coarsely, and a budget is not to look shorter than it was."""

    async def main() -> None:
        pid = frail.pid
        for _ in range(8):
            async with opened(Address.parse(frail.url), BUDGET_S) as store:
                os.kill(pid, signal.SIGSTOP)
                try:
                    assert await ask(store) == "store_timeout"
                    assert at_once(ask(store)) == "store_down"
                finally:
                    os.kill(pid, signal.SIGCONT)

    run(main())


def test_many_who_wait_on_a_stopped_server_all_get_an_answer(
    frail: EmbeddedValkey, run: Loop
) -> None:
    async def main() -> None:
        async with opened(Address.parse(frail.url), BUDGET_S) as store:
            pid = frail.pid
            os.kill(pid, signal.SIGSTOP)
            try:
                reasons = await asyncio.gather(*(ask(store) for _ in range(200)))
                assert set(reasons) <= {"store_timeout", "store_down"}
            finally:
                os.kill(pid, signal.SIGCONT)

    run(main())


def test_a_deadline_nearer_than_the_budget_gives_up_the_request_and_not_the_connection(
    frail: EmbeddedValkey, run: Loop
) -> None:
    async def main() -> None:
        with Redis.from_url(frail.url) as client:
            client.rpush(keys.user_history("bob"), history_entry("a", "view", 1))
        async with opened(Address.parse(frail.url), PATIENT_S) as store:
            pid = frail.pid
            os.kill(pid, signal.SIGSTOP)
            try:
                given_up = [await ask(store, 0.01) for _ in range(3)]
                behind = asyncio.create_task(store.read_user("bob", USER, PATIENT_S))
                await asyncio.sleep(0)
            finally:
                os.kill(pid, signal.SIGCONT)
            assert given_up == ["store_timeout"] * 3
            # The late replies to the three are thrown away; bob's is bob's.
            assert (await behind).history == ["a"]

    run(main())


def test_short_deadlines_alone_open_the_breaker_within_a_budget(
    frail: EmbeddedValkey, run: Loop
) -> None:
    async def main() -> None:
        async with opened(Address.parse(frail.url), 0.05) as store:
            pid = frail.pid
            os.kill(pid, signal.SIGSTOP)
            try:
                async with asyncio.timeout(SLACK_S):
                    while await ask(store, 0.01) != "store_down":
                        pass
            finally:
                os.kill(pid, signal.SIGCONT)

    run(main())


def test_a_killed_server_is_down_at_once_and_back_within_a_second_of_its_return(
    frail: EmbeddedValkey, run: Loop
) -> None:
    async def main() -> None:
        async with opened(Address.parse(frail.url)) as store:
            assert await ask(store) == "ok"
            os.kill(frail.pid, signal.SIGKILL)
            async with asyncio.timeout(SLACK_S):  # the kernel ends the connection
                assert await ask(store) == "store_down"
            await until(lambda: not store.connected, SLACK_S)
            assert at_once(ask(store)) == "store_down"
            with pytest.raises(StoreUnavailable):
                await store.append_events([Event("ann", "a", "view", 1)])
            frail.stop()
            frail.start()
            await until(lambda: store.connected, RECONNECTED_S)
            assert await store.append_events([Event("ann", "a", "view", 1)]) == 1

    run(main())


def test_requests_in_flight_when_the_server_dies_all_fail_and_none_hangs(
    frail: EmbeddedValkey, run: Loop
) -> None:
    async def main() -> None:
        async with opened(Address.parse(frail.url)) as store:
            pid = frail.pid
            os.kill(pid, signal.SIGSTOP)  # so that all of them are in flight
            asked = [asyncio.create_task(ask(store)) for _ in range(100)]
            await asyncio.sleep(0)
            os.kill(pid, signal.SIGKILL)
            async with asyncio.timeout(SLACK_S):
                assert set(await asyncio.gather(*asked)) == {"store_down"}

    run(main())


def test_a_server_that_comes_later_is_found_without_a_restart(
    frail: EmbeddedValkey, run: Loop
) -> None:
    frail.stop()

    async def main() -> None:
        async with opened(Address.parse(frail.url)) as store:
            assert not store.connected
            assert at_once(ask(store)) == "store_down"
            await asyncio.to_thread(frail.start)
            await until(lambda: store.connected, RECONNECTED_S)
            assert await ask(store) == "ok"

    run(main())


def test_the_pauses_between_attempts_grow_but_never_beyond_half_a_second(
    run: Loop, monkeypatch: pytest.MonkeyPatch
) -> None:
    longest: list[float] = []

    def no_pause(_low: float, high: float) -> float:
        longest.append(high)
        return 0.0

    monkeypatch.setattr(CHANCE, "uniform", no_pause)

    async def main() -> None:
        async with opened(Address.parse("unix:///nowhere/valkey.sock")):
            await until(lambda: len(longest) >= 12, SLACK_S)

    run(main())
    assert longest == sorted(longest)
    assert longest[0] <= 0.05
    assert longest[-1] == 0.5


@pytest.mark.parametrize("host", ["a" * 70, "..", "127.0.0.1:1"])
def test_a_host_that_cannot_be_reached_does_not_keep_the_store_from_opening(
    host: str, run: Loop
) -> None:
    async def main() -> None:
        async with opened(Address.parse(f"redis://{host}")) as store:
            assert at_once(ask(store)) == "store_down"

    run(main())


def test_a_closed_store_leaves_no_task_and_no_connection_behind(
    frail: EmbeddedValkey, run: Loop
) -> None:
    async def main() -> None:
        with Redis.from_url(frail.url) as client:
            async with opened(Address.parse(frail.url)) as store:
                assert await ask(store) == "ok"
                assert len(client.client_list()) == 2
            assert asyncio.all_tasks() == {asyncio.current_task()}
            assert at_once(ask(store)) == "store_down"
            await until(lambda: len(client.client_list()) == 1, SLACK_S)

    run(main())
