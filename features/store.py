"""What one event loop reads from and writes to Redis while it serves."""

import asyncio
import random
from collections.abc import Sequence
from dataclasses import dataclass
from time import monotonic

import numpy as np

from features import keys
from features.address import Address
from features.codec import decode_rows, fingerprints
from features.connection import Connection
from features.errors import StoreUnavailable
from features.events import APPEND_SCRIPT, Event, history_entry, history_items
from features.grid import GridReader
from features.item_table import ItemTable
from features.pending import Decode
from features.resp import Replies, Reply, command
from features.schema import Schema
from features.types import Items, Mask, Rows

CONNECT_TIMEOUT_S = 0.5
RECONNECT_FIRST_S, RECONNECT_LONGEST_S = 0.02, 0.5
EVENT_MEMORY_S = 24 * 3600


@dataclass(frozen=True, slots=True)
class UserRecord:
    """What is stored about one user: ``row`` is float32[u], ``history`` latest first."""

    row: Rows
    known: bool
    history: list[str]


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

    async def read_user(self, user_id: str, schema: Schema, within_s: float) -> UserRecord:
        """Read one user as `read_users` reads many."""
        [user] = await self.read_users([user_id], schema, within_s)
        return user

    async def read_users(
        self, user_ids: Sequence[str], schema: Schema, within_s: float
    ) -> list[UserRecord]:
        """Read users' rows and histories in one round trip of ``within_s`` seconds at most.

        Raises:
            StoreUnavailable: no answer in time; the reason says which kind.
        """
        payload = b"".join(
            command("GET", keys.user_row(user_id))
            + command("LRANGE", keys.user_history(user_id), 0, self._history_cap - 1)
            for user_id in user_ids
        )
        replies = await self._ask(payload, Replies(2 * len(user_ids)), within_s)
        values = [value if isinstance(value, bytes) else None for value in replies[::2]]
        rows, present = decode_rows(values, fingerprints(user_ids), schema)
        return [
            UserRecord(row, known, _items_of(entries))
            for row, known, entries in zip(rows, present.tolist(), replies[1::2], strict=True)
        ]

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
        return await self._ask(payload, GridReader(table, items), within_s)

    async def append_events(self, events: Sequence[Event]) -> int:
        """Append events to their users' histories, one atomic step per user.

        Returns:
            How many were new; an event id that was seen in the last day counts once.

        Raises:
            StoreUnavailable: not all are known to be stored; with event ids a repeat is safe.
        """
        by_user: dict[str, list[Event]] = {}
        for event in events:
            by_user.setdefault(event.user_id, []).append(event)
        payload = b"".join(self._append(user_id, group) for user_id, group in by_user.items())
        counts = await self._ask(payload, Replies(len(by_user)), self._budget_s)
        return sum(count for count in counts if isinstance(count, int))

    def _append(self, user_id: str, events: list[Event]) -> bytes:
        names = [keys.user_history(user_id)]
        arguments: list[str | int] = [self._history_cap, EVENT_MEMORY_S]
        for event in events:
            marker = 0
            if event.event_id is not None:
                names.append(keys.user_event(user_id, event.event_id))
                marker = len(names)
            entry = history_entry(event.item_id, event.type, event.timestamp_ms)
            arguments += [entry, marker]
        return command("EVAL", APPEND_SCRIPT, len(names), *names, *arguments)

    def _ask[T](
        self, payload: bytes | memoryview, decode: Decode[T], within_s: float
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


def _items_of(entries: Reply) -> list[str]:
    stored = entries if isinstance(entries, list) else []
    return history_items([entry for entry in stored if isinstance(entry, bytes)])
