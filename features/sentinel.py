"""Reaching a server, be it at its own address or where sentinels say that the master is."""

import asyncio
import math
from contextlib import suppress

from features.address import Address
from features.chance import CHANCE
from features.connection import Connection, Hear
from features.errors import StoreUnavailable
from features.resp import Replies, command


async def reach(
    address: Address, timeout_s: float, hear: Hear | None = None, stall_s: float = math.inf
) -> Connection:
    """Open a connection to the server at an address, or to the master that its sentinels name.

    A failover ends the connections to the former master (sentinels have it drop them), and
    whoever then comes here is told of the new one. What a sentinel says may be old: only a server
    that calls itself master is believed (Redis documentation, "Guidelines for Redis clients with
    support for Redis Sentinel").

    Raises:
        StoreUnavailable: no server, or no answer within ``timeout_s``.
    """
    if address.kind != "sentinel":
        return await address.connect(timeout_s, hear, stall_s)
    fault = StoreUnavailable("store_down", f"{address!r}: no sentinel answers")
    with suppress(TimeoutError):
        async with asyncio.timeout(timeout_s):
            sentinels = address.sentinels()
            for sentinel in CHANCE.sample(sentinels, len(sentinels)):
                try:
                    # The first that is stopped must not use up the others' time.
                    master = await _ask(sentinel, address, timeout_s / len(sentinels))
                    return await _connect(master, timeout_s, hear, stall_s)
                except StoreUnavailable as refusal:
                    fault = refusal
    raise fault


async def _ask(sentinel: Address, address: Address, timeout_s: float) -> Address:
    connection = await sentinel.connect(timeout_s)
    try:
        asked = command("SENTINEL", "GET-MASTER-ADDR-BY-NAME", address.service)
        [found] = await connection.send(asked, Replies(1), timeout_s)
    finally:
        connection.abort()
    match found:
        case [bytes(host), bytes(port)]:
            return address.at(host.decode(), int(port))
    raise StoreUnavailable(
        "store_down",
        f"{sentinel!r} knows no service {address.service!r}: see its `sentinel monitor`",
    )


async def _connect(
    master: Address, timeout_s: float, hear: Hear | None, stall_s: float
) -> Connection:
    connection = await master.connect(timeout_s, hear, stall_s)
    try:
        [role] = await connection.send(command("ROLE"), Replies(1), timeout_s)
    except BaseException:
        connection.abort()
        raise
    if isinstance(role, list) and role[:1] == [b"master"]:
        return connection
    connection.abort()
    raise StoreUnavailable("store_down", f"{master!r} is no master any more")
