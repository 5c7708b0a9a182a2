"""One pipelined connection: every reply reaches whoever asked for it, or nobody at all."""

import asyncio
import random
import socket
from collections.abc import AsyncIterator, Awaitable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass

import numpy as np
import pytest

from features import connection as module
from features.codec import encode_rows
from features.connection import FIRST_BUFFER_BYTES, Connection
from features.errors import CommandRefused, StoreUnavailable
from features.grid import GridReader
from features.item_table import ItemTable
from features.resp import Replies, command, parse
from tests.features.loops import Loop
from tests.features.replies import array_reply, bulk_reply
from tests.features.schemas import ITEM, draw

ONE = Replies(1)
PING = command("PING")


@dataclass
class Line:
    """A connection of ours, and the server's end of it in the test's hands."""

    ours: Connection
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    async def say(self, *packets: bytes) -> None:
        """Write each packet by itself, with turns of the loop in between for reading it."""
        for packet in packets:
            self.writer.write(packet)
            await self.writer.drain()
            for _ in range(3):
                await asyncio.sleep(0)


@asynccontextmanager
async def line() -> AsyncIterator[Line]:
    near, far = socket.socketpair()
    loop = asyncio.get_running_loop()
    _, ours = await loop.create_unix_connection(Connection, sock=near)
    reader, writer = await asyncio.open_unix_connection(sock=far)
    try:
        yield Line(ours, reader, writer)
    finally:
        ours.abort()
        await ours.closed
        writer.close()
        with suppress(OSError):  # it may have been reset by what the test did
            await writer.wait_closed()


async def reason(answer: Awaitable[object]) -> str:
    with pytest.raises(StoreUnavailable) as caught:
        await answer
    return caught.value.reason


def test_replies_in_slices_of_one_byte_reach_those_who_asked(run: Loop) -> None:
    table, items = ItemTable("abc", ITEM), np.arange(3)
    rows = draw(ITEM, 3)
    encoded = encode_rows(rows, table.owners, ITEM)

    async def main() -> None:
        async with line() as on:
            first = on.ours.send(PING, ONE)
            grid = on.ours.send(PING, GridReader.of_one(table, items))
            with_nil = on.ours.send(PING, GridReader.of_one(table, items))
            last = on.ours.send(PING + PING, Replies(2))
            wire = b"+PONG\r\n" + array_reply(encoded) + array_reply([encoded[0], None, encoded[2]])
            wire += b":4\r\n$2\r\nhi\r\n"
            await on.say(*(wire[place : place + 1] for place in range(len(wire))))
            assert await first == [b"PONG"]
            assert (await grid)[0].tobytes() == rows.tobytes()
            assert (await with_nil)[1].tolist() == [True, False, True]
            assert await last == [4, b"hi"]

    run(main())


def test_replies_in_one_packet_are_told_apart(run: Loop) -> None:
    async def main() -> None:
        async with line() as on:
            answers = [on.ours.send(PING, ONE) for _ in range(1000)]
            await on.say(b"".join(b":%d\r\n" % number for number in range(1000)))
            assert await asyncio.gather(*answers) == [[number] for number in range(1000)]

    run(main())


def test_commands_go_out_in_the_order_they_were_sent(run: Loop) -> None:
    async def main() -> None:
        async with line() as on:
            answers = [on.ours.send(command("GET", number), ONE) for number in range(100)]
            expected = b"".join(command("GET", number) for number in range(100))
            assert await on.reader.readexactly(len(expected)) == expected
            await on.say(b":1\r\n" * 100)
            await asyncio.gather(*answers)

    run(main())


def test_replies_larger_than_the_buffer_arrive_whole_with_their_neighbours(run: Loop) -> None:
    sizes = [10, 3 * FIRST_BUFFER_BYTES, 5, FIRST_BUFFER_BYTES - 9, FIRST_BUFFER_BYTES, 70_000, 0]
    values = [bytes([place]) * size for place, size in enumerate(sizes)]

    async def main() -> None:
        async with line() as on:
            answers = [on.ours.send(PING, ONE) for _ in values]
            await on.say(b"".join(map(bulk_reply, values)))
            assert await asyncio.gather(*answers) == [[value] for value in values]

    run(main())


def test_a_refusal_reaches_only_the_one_who_asked(run: Loop) -> None:
    async def main() -> None:
        async with line() as on:
            table, items = ItemTable("ab", ITEM), np.arange(2)
            before = on.ours.send(PING, ONE)
            refused = on.ours.send(PING, GridReader.of_one(table, items))
            after = on.ours.send(PING, ONE)
            await on.say(b":1\r\n-LOADING wait\r\n:3\r\n")
            assert (await before, await after) == ([1], [3])
            with pytest.raises(CommandRefused, match="LOADING"):
                await refused

    run(main())


@pytest.mark.parametrize(
    "wire",
    [
        b"",
        b"$100\r\nhalf",
        b"*2\r\n$1\r\na\r\n",
        b"HTTP/1.1 400 Bad Request\r\n\r\n",
        b"\0\0\0\0\0\0\r\n",
    ],
)
def test_an_end_amid_a_reply_or_garbage_fails_all_who_wait(run: Loop, wire: bytes) -> None:
    async def main() -> None:
        async with line() as on:
            answers = [on.ours.send(PING, ONE) for _ in range(3)]
            await on.say(wire)
            if b"\r\n" not in wire or not wire.startswith((b"H", b"\0")):
                on.writer.close()
            await on.ours.closed
            assert [await reason(answer) for answer in answers] == ["store_down"] * 3
            assert await reason(on.ours.send(PING, ONE)) == "store_down"

    run(main())


def test_replies_behind_garbage_are_not_believed(run: Loop) -> None:
    async def main() -> None:
        async with line() as on:
            first, second, third = (on.ours.send(PING, ONE) for _ in range(3))
            with suppress(ConnectionError):
                await on.say(b":1\r\n?\r\n:2\r\n:3\r\n", b":2\r\n", b":3\r\n")
            assert await first == [1]
            assert await reason(second) == "store_down"
            assert await reason(third) == "store_down"

    run(main())


def test_a_reply_that_nobody_asked_for_ends_the_connection(run: Loop) -> None:
    async def main() -> None:
        async with line() as on:
            answer = on.ours.send(PING, ONE)
            await on.say(b":1\r\n:2\r\n")
            assert await answer == [1]
            await on.ours.closed
            assert await reason(on.ours.send(PING, ONE)) == "store_down"

    run(main())


def test_a_reply_without_end_ends_the_connection_and_not_the_memory(
    run: Loop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "LARGEST_REPLY_BYTES", 4 * FIRST_BUFFER_BYTES)

    async def main() -> None:
        async with line() as on:
            answer = on.ours.send(PING, ONE)
            behind = on.ours.send(PING, ONE)
            with suppress(ConnectionError):
                await on.say(b"$99999999999\r\n", bytes(8 * FIRST_BUFFER_BYTES), b":1\r\n:2\r\n")
            assert await reason(answer) == "store_down"
            assert await reason(behind) == "store_down"

    run(main())


async def answer_each_key(on: Line, rng: random.Random) -> None:
    """Answer each `GET key` with the key itself, in slices of any size at any time."""
    asked = bytearray()
    while chunk := await on.reader.read(65536):
        asked += chunk
        replies = bytearray()
        read = 0
        while parsed := parse(asked, read, len(asked)):
            words, read = parsed
            assert isinstance(words, list)
            assert isinstance(words[1], bytes)
            replies += bulk_reply(words[1])
        del asked[:read]
        while replies:
            size = rng.choice([1, 2, 7, 100, 5000])
            await on.say(bytes(replies[:size]))
            del replies[:size]


async def turns(count: int) -> None:
    for _ in range(count):
        await asyncio.sleep(0)


@pytest.mark.parametrize("seed", range(3))
def test_requests_cancelled_at_any_point_never_shift_the_replies_of_others(
    run: Loop, seed: int
) -> None:
    rng = random.Random(seed)
    count = 2000

    async def ask(on: Line, key: str) -> bytes:
        [value] = await on.ours.send(command("GET", key), ONE)
        assert isinstance(value, bytes)
        return value

    async def main() -> tuple[int, int]:
        async with line() as on:
            server = asyncio.create_task(answer_each_key(on, rng))
            asked: list[tuple[str, asyncio.Task[bytes]]] = []
            for number in range(count):
                key = f"key-{number}-" + "x" * rng.randrange(60)
                asked.append((key, asyncio.create_task(ask(on, key))))
                if rng.random() < 0.7:
                    await turns(rng.randrange(6))
                    _, victim = asked[rng.randrange(max(0, number - 8), number + 1)]
                    victim.cancel()
            survived = 0
            for key, task in asked:
                with suppress(asyncio.CancelledError):
                    assert await task == key.encode()
                    survived += 1
            assert not on.ours.closed.done()
            assert await ask(on, "the last") == b"the last"
            server.cancel()
            await asyncio.gather(server, return_exceptions=True)
            return survived, sum(task.cancelled() for _, task in asked)

    survived, cancelled = run(main())
    assert survived + cancelled == count
    assert min(survived, cancelled) > count // 10


def test_an_answer_that_was_given_up_takes_its_error_with_it(run: Loop) -> None:
    async def main() -> None:
        async with line() as on:
            given_up = on.ours.send(PING, ONE)
            kept = on.ours.send(PING, ONE)
            given_up.cancel()
            await on.say(b"-ERR for nobody\r\n:2\r\n")
            assert await kept == [2]

    run(main())


def test_a_connection_lost_at_once_fails_what_is_sent_in_the_same_breath(run: Loop) -> None:
    async def main() -> None:
        async with line() as on:
            before = on.ours.send(PING, ONE)
            on.ours.abort()
            after = on.ours.send(PING, ONE)
            assert await reason(before) == "store_down"
            assert await reason(after) == "store_down"

    run(main())


def test_what_arrives_after_an_abort_is_not_delivered(run: Loop) -> None:
    """A read that was under way when the connection was given up."""

    def feed(connection: Connection, wire: bytes) -> None:
        connection.get_buffer(-1)[: len(wire)] = wire
        connection.buffer_updated(len(wire))

    async def main() -> None:
        async with line() as on:
            answer = on.ours.send(PING, ONE)
            on.ours.abort()
            feed(on.ours, b":1\r\n")
            assert await reason(answer) == "store_down"

    run(main())


def test_a_connection_that_was_lost_keeps_no_buffer(run: Loop) -> None:
    """Its transport refers to it until a collection, which through an outage may take minutes."""

    async def main() -> None:
        async with line() as on:
            assert len(on.ours._buffer) == FIRST_BUFFER_BYTES
            on.ours.abort()
            await on.ours.closed
            assert len(on.ours._buffer) == 0

    run(main())
