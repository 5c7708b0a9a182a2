"""A real pair of servers that change places: whoever is the primary at the address is found."""

import asyncio
import socket
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from redis import Redis

from features import keys
from features.address import Address
from features.bulk import write_items
from features.errors import CommandRefused, StoreUnavailable
from features.events import Event
from service.embedded import EmbeddedValkey
from tests.features.loops import Loop
from tests.features.schemas import ITEM, USER
from tests.features.shelves import until
from tests.features.test_store import IDS, PATIENT_S, ROWS, TABLE, opened, ordinals

FOUND_S = 20.0  # half a second is the longest pause between attempts; a busy machine adds to it


@dataclass
class Pair:
    """A primary, its replica, and an address that points at the primary until `fail_over`."""

    primary: Redis
    replica: Redis
    ports: tuple[int, int]
    link: Path
    replica_socket: Path

    @property
    def address(self) -> Address:
        return Address.parse(f"unix://{self.link}")

    def fail_over(self) -> None:
        """Make the replica the primary, and the other its replica, and move the address.

        What the primary acknowledged is replicated by then: what a failover may lose is not what
        these tests are about.
        """
        until(lambda: self._offset(self.primary, "master") == self._offset(self.replica, "slave"))
        self.replica.replicaof("NO", "ONE")
        self.primary.replicaof("127.0.0.1", str(self.ports[1]))
        moved = self.link.with_suffix(".new")
        moved.symlink_to(self.replica_socket)
        moved.replace(self.link)

    def _offset(self, server: Redis, role: str) -> int:
        return int(server.info("replication")[f"{role}_repl_offset"])


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture
def pair(program: str, tmp_path: Path) -> Iterator[Pair]:
    ports = free_port(), free_port()
    with (
        EmbeddedValkey(ports[0]) as first,
        EmbeddedValkey(ports[1]) as second,
        Redis.from_url(first.url) as primary,
        Redis.from_url(second.url) as replica,
    ):
        primary.config_set("repl-diskless-sync-delay", "0")
        replica.replicaof("127.0.0.1", str(ports[0]))
        until(lambda: replica.info("replication")["master_link_status"] == "up")
        link = tmp_path / "store.sock"
        link.symlink_to(first.url.removeprefix("unix://"))
        yield Pair(primary, replica, ports, link, Path(second.url.removeprefix("unix://")))


async def at_last[T](ask: Callable[[], Awaitable[T]], reasons: list[str] | None = None) -> T:
    """Ask again and again until there is an answer; note why there was none before."""
    async with asyncio.timeout(FOUND_S):
        while True:
            try:
                return await ask()
            except StoreUnavailable as fault:
                if reasons is not None:
                    reasons.append(fault.reason)
                await asyncio.sleep(0.005)


def test_events_reach_the_new_primary_though_the_old_one_keeps_its_connections(
    pair: Pair, run: Loop
) -> None:
    async def main() -> None:
        async with opened(pair.address) as store:
            await store.append_events([Event("ann", "a", "view", 1)])
            pair.fail_over()
            reasons = list[str]()
            event = Event("bob", "a", "view", 1, "once")
            assert await at_last(lambda: store.append_events([event]), reasons) == 1
            assert reasons[0] == "store_refused"
            assert set(reasons) <= {"store_refused", "store_down"}
            assert (await store.read_user("bob", USER, PATIENT_S)).history == ["a"]
            # The old one follows: it was not what took the event.
            until(lambda: pair.primary.exists(keys.user_history("bob")) == 1)
            assert pair.primary.info("replication")["role"] == "slave"

    run(main())


def test_reads_go_on_during_a_failover(pair: Pair, run: Loop) -> None:
    write_items(pair.primary, IDS[:9], ROWS[:9], ITEM, lambda _: None)

    async def main() -> None:
        async with opened(pair.address) as store:
            pair.fail_over()
            for _ in range(100):
                rows, _ = await store.read_items(TABLE, ordinals(*range(9)), PATIENT_S)
                assert rows.tobytes() == ROWS[:9].tobytes()

    run(main())


def test_a_replica_that_lost_its_primary_and_may_not_read_is_left_for_the_new_primary(
    pair: Pair, run: Loop
) -> None:
    write_items(pair.primary, IDS[:9], ROWS[:9], ITEM, lambda _: None)

    async def main() -> None:
        async with opened(pair.address) as store:
            pair.fail_over()
            pair.primary.config_set("replica-serve-stale-data", "no")
            pair.primary.replicaof("127.0.0.1", "1")
            with pytest.raises(CommandRefused, match="MASTERDOWN"):
                await store.read_items(TABLE, ordinals(0, 1), PATIENT_S)
            rows, _ = await at_last(lambda: store.read_items(TABLE, ordinals(0, 1), PATIENT_S))
            assert rows.tobytes() == ROWS[:2].tobytes()

    run(main())


def test_while_no_primary_is_there_a_refusal_costs_one_connection(pair: Pair, run: Loop) -> None:
    pair.primary.replicaof("127.0.0.1", "1")

    async def main() -> None:
        async with opened(pair.address) as store:
            before = int(pair.primary.info("stats")["total_connections_received"])
            refused = 0
            while refused < 8:
                with pytest.raises(StoreUnavailable) as caught:
                    await store.append_events([Event("ann", "a", "view", 1)])
                refused += caught.value.reason == "store_refused"
                await asyncio.sleep(0.002)
            after = int(pair.primary.info("stats")["total_connections_received"])
            assert after - before <= refused

    run(main())
