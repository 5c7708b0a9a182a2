"""What one event loop reads from and writes to Redis while it serves."""

import asyncio
import random
import time
from collections.abc import Sequence
from time import monotonic

import numpy as np

from features import keys
from features.address import Address
from features.append import APPEND_SCRIPT, APPEND_SHA, append_arguments
from features.connection import Connection
from features.errors import StoreUnavailable
from features.events import Event
from features.grid import GridReader
from features.item_table import ItemTable
from features.pending import Decode
from features.resp import Replies, Reply, command
from features.schema import Schema
from features.types import Items, Mask, Rows
from features.user_reader import UserReader, UserRecord

__all__ = ["FeatureStore", "UserRecord"]  # who calls it names what it returns

CONNECT_TIMEOUT_S = 0.5
RECONNECT_FIRST_S, RECONNECT_LONGEST_S = 0.02, 0.5
SHOWN_CAP = 500
"""Impressions kept per user."""


class FeatureStore:
    """Reads and writes over one pipelined connection, reconnecting in the background.

    Every call answers within ``budget_s``, or sooner where the request's deadline is nearer, or
    raises StoreUnavailable. While there is no connection calls fail at once: the reconnecting
    task is the one probe.
    """

    def __init__(self, address: Address, budget_s: float, history_cap: int) -> None:
        self._address = address
        self._budget_s = budget_s
        self._history_cap = history_cap
        self._connection: Connection | None = None
        self._keeper: asyncio.Task[None] | None = None

    @property
    def connected(self) -> bool:
        """Tell whether a connection stands that has answered a PING."""
        return self._connection is not None

    async def open(self) -> None:
        """Start keeping a connection; return once the first attempt has ended, either way."""
        attempted = asyncio.get_running_loop().create_future()
        self._keeper = asyncio.create_task(self._keep_connected(attempted), name="braid-redis")
        await attempted

    async def close(self) -> None:
        """Stop reconnecting and drop the connection."""
        if self._keeper is not None:
            self._keeper.cancel()
        if self._connection is not None:  # before anything that may itself be cancelled
            self._connection.abort()
            self._connection = None
        if self._keeper is not None:
            await asyncio.gather(self._keeper, return_exceptions=True)

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
        payload = b"".join(self._read_user(user_id, shown_cap) for user_id in user_ids)
        longest = max(self._history_cap, shown_cap)
        reader = UserReader(user_ids, schema, 2 if shown_cap else 1, longest)
        return await self._ask(payload, reader, within_s)

    def _read_user(self, user_id: str, shown_cap: int) -> bytes:
        row = command("GET", keys.user_row(user_id))
        history = command("LRANGE", keys.user_history(user_id), 0, self._history_cap - 1)
        if not shown_cap:
            return row + history
        return row + history + command("LRANGE", keys.user_shown(user_id), 0, shown_cap - 1)

    async def read_items(
        self, table: ItemTable, items: Items, within_s: float
    ) -> tuple[Rows, Mask]:
        """Read the rows of ``items`` int64[n] with one MGET of ``within_s`` seconds at most.

        Returns:
            ``(rows float32[n, w], present bool[n])``; the schema's defaults where not present.

        Raises:
            StoreUnavailable: no answer in time; the reason says which kind.
        """
        if not len(items):
            return np.empty((0, table.schema.width), np.float32), np.empty(0, np.bool_)
        payload = table.mget(items)
        return await self._ask(payload, GridReader.of_one(table, items), within_s)

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
        payload = bytearray()
        for user_id, group in by_user.items():
            names, arguments = append_arguments(
                user_id, group, now_ms, self._history_cap, SHOWN_CAP
            )
            # The first brings the script, so the server has it when it comes to the others.
            script = ("EVALSHA", APPEND_SHA) if payload else ("EVAL", APPEND_SCRIPT)
            payload += command(*script, len(names), *names, *arguments)
        counts = await self._ask(payload, Replies(len(by_user)), self._budget_s)
        return sum(count for count in counts if isinstance(count, int))

    def append(self, commands: Sequence[bytes]) -> asyncio.Future[list[Reply]]:
        """Write commands whose replies nobody need wait for.

        Raises:
            StoreUnavailable: at once where there is no connection, else from the future.
        """
        return self._ask(b"".join(commands), Replies(len(commands)), self._budget_s)

    def _ask[T](
        self, payload: bytes | bytearray | memoryview, decode: Decode[T], within_s: float
    ) -> asyncio.Future[T]:
        if self._connection is None:
            raise StoreUnavailable("store_down")
        if within_s <= 0:
            raise StoreUnavailable("store_timeout")
        return self._connection.send(payload, decode, min(self._budget_s, within_s))

    async def _keep_connected(self, attempted: asyncio.Future[None]) -> None:
        pause_s = RECONNECT_FIRST_S
        while True:
            began = monotonic()
            try:
                self._connection = await self._address.connect(
                    CONNECT_TIMEOUT_S, stall_s=self._budget_s
                )
            except StoreUnavailable:
                self._connection = None
            if not attempted.done():
                attempted.set_result(None)
            if self._connection is not None:
                await self._connection.closed
                self._connection = None
                if monotonic() - began > RECONNECT_LONGEST_S:  # it was no false dawn
                    pause_s = RECONNECT_FIRST_S
            # Full jitter: many loops and replicas lost the same server at the same moment.
            await asyncio.sleep(random.uniform(0, pause_s))  # noqa: S311  spreads load, no secret
            pause_s = min(2 * pause_s, RECONNECT_LONGEST_S)
