"""What one event loop reads from and writes to Redis while it serves."""

import asyncio
import time
from collections.abc import Coroutine, Sequence

import numpy as np

from features import keys
from features.address import Address
from features.append import APPEND_SCRIPT, APPEND_SHA, append_arguments
from features.batch import Batch, Commands
from features.cluster import Cluster
from features.counts import StoreCounts
from features.errors import PartlyRead, StoreUnavailable
from features.events import Event
from features.item_reads import ItemReads
from features.item_table import ItemTable
from features.node import Breaker
from features.one import One
from features.resp import Reply, command
from features.schema import Schema
from features.servers import Failed, Servers
from features.types import Items, Mask, Rows
from features.user_reader import UserReads, UserRecord

__all__ = ["FeatureStore", "UserRecord"]  # who calls it names what it returns

SHOWN_CAP = 500
"""Impressions kept per user."""


class FeatureStore:
    """Reads and writes over one pipelined connection to each server, kept in the background.

    Every call answers within ``budget_s``, or sooner where the request's deadline is nearer, or
    raises StoreUnavailable. While there is no connection calls fail at once: the reconnecting
    task is the one probe. ``counts`` tells what went wrong.
    """

    def __init__(self, address: Address, budget_s: float, history_cap: int) -> None:
        self.counts = StoreCounts()
        self._address = address
        self._budget_s = budget_s
        self._history_cap = history_cap
        self._servers: Servers | None = None

    @property
    def connected(self) -> bool:
        """Tell whether a connection stands that has answered a PING."""
        return self._servers is not None and any(node.connected for node in self._servers.nodes)

    def breakers(self) -> dict[str, Breaker]:
        """Return the state of each server's breaker, by the server."""
        nodes = () if self._servers is None else self._servers.nodes
        return {repr(node.address): node.breaker for node in nodes}

    async def open(self) -> None:
        """Start keeping connections; return once the first attempts have ended, either way."""
        make = Cluster if self._address.kind == "cluster" else One
        self._servers = make(self._address, self._budget_s, self.counts)
        await self._servers.open()

    async def close(self) -> None:
        """Stop reconnecting and drop the connections."""
        if self._servers is not None:
            await self._servers.close()

    async def read_user(
        self, user_id: str, schema: Schema, within_s: float, shown_cap: int = 0
    ) -> UserRecord:
        """Read one user as `read_users` reads many."""
        [user] = await self.read_users([user_id], schema, within_s, shown_cap)
        return user

    async def read_users(
        self, user_ids: Sequence[str], schema: Schema, within_s: float, shown_cap: int = 0
    ) -> list[UserRecord]:
        """Read users' rows and histories in one round trip of ``within_s`` seconds at most.

        ``shown_cap`` is how much of what they were shown is read, too.

        Raises:
            StoreUnavailable: no answer in time; the reason says which kind.
        """
        reads = UserReads(user_ids, schema, self._history_cap, shown_cap)
        for failed in await self._ask(reads, within_s):
            raise failed.fault
        records = reads.records()
        self.counts.note(reads.odd)
        return records

    async def read_items(
        self, table: ItemTable, items: Items, within_s: float
    ) -> tuple[Rows, Mask]:
        """Read the rows of ``items`` int64[n] with one MGET, or in a cluster one per partition.

        Returns:
            ``(rows float32[n, w], present bool[n])``; the schema's defaults where not present.

        Raises:
            StoreUnavailable: no answer in ``within_s`` seconds; the reason says which kind. It is
                a PartlyRead where some of a cluster's nodes answered.
        """
        if not len(items):
            return np.empty((0, table.schema.width), np.float32), np.empty(0, np.bool_)
        reads = ItemReads(table, items)
        failed = await self._ask(reads, within_s)
        self.counts.note(reads.odd)
        if failed:
            answered = np.ones(len(items), np.bool_)
            for one in failed:
                answered[one.places] = False
            if not answered.any():
                raise failed[0].fault
            raise PartlyRead(failed[0].fault, reads.rows, reads.present, answered)
        return reads.rows, reads.present

    async def append_events(self, events: Sequence[Event], arrived_ms: int | None = None) -> int:
        """Append events that `features.events.faults_of` finds nothing wrong with.

        One atomic step per user: history, counts and stream. ``arrived_ms`` is now, if left out.

        Returns:
            How many were new; an event id that was seen in the last day counts once.

        Raises:
            StoreUnavailable: not all are known to be stored; with event ids a repeat is safe.
        """
        if not events:
            return 0
        now_ms = time.time_ns() // 1_000_000 if arrived_ms is None else arrived_ms
        by_user: dict[str, list[Event]] = {}
        for event in events:
            by_user.setdefault(event.user_id, []).append(event)
        first, others, slots = list[bytes](), list[bytes](), list[int]()
        for user_id, group in by_user.items():
            names, arguments = append_arguments(
                user_id, group, now_ms, self._history_cap, SHOWN_CAP
            )
            told = (len(names), *names, *arguments)
            # The first brings the script, so the server has it when it comes to the others.
            first.append(command("EVAL", APPEND_SCRIPT, *told))
            others.append(command("EVALSHA", APPEND_SHA, *told))
            slots.append(keys.SLOTS[keys.partition(user_id)])
        commands = Commands(others, slots, alone=first)
        for failed in await self._ask(commands, self._budget_s):
            raise failed.fault
        return sum(count for count in commands.cells if isinstance(count, int))

    def append(self, commands: Sequence[bytes]) -> asyncio.Future[list[Reply]]:
        """Write commands, each of one key, whose replies nobody need wait for.

        Raises:
            StoreUnavailable: at once where there is no connection, else from the future.
        """
        if not self.connected:
            raise StoreUnavailable("store_down")
        return asyncio.ensure_future(self._append(commands))

    async def _append(self, commands: Sequence[bytes]) -> list[Reply]:
        batch = Commands(commands, [keys.slot_of(_key_of(one)) for one in commands])
        for failed in await self._ask(batch, self._budget_s):
            raise failed.fault
        return batch.cells

    def _ask(self, batch: Batch, within_s: float) -> Coroutine[None, None, Sequence[Failed]]:
        if self._servers is None:
            raise StoreUnavailable("store_down")
        return self._servers.ask(batch, within_s)


def _key_of(words: bytes) -> bytes:
    """Return the first argument of an encoded command."""
    return words.split(b"\r\n", 5)[4]
