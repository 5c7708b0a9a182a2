"""Where the store is: every form of URL, and what keeps a connection from standing."""

import asyncio
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
from redis import Redis

from features.address import Address
from features.errors import CommandRefused, StoreUnavailable
from features.resp import Replies, command
from features.sentinel import reach
from service.embedded import EmbeddedValkey
from tests.features.loops import Loop


def test_a_url_is_taken_apart() -> None:
    tcp = Address.parse("redis://braid:s%40crt@store:7000/2")
    assert (tcp.host, tcp.port, tcp.path, tcp.tls) == ("store", 7000, None, False)
    assert tcp.greeting == (("AUTH", "braid", "s@crt"), ("SELECT", "2"), ("PING",))
    unix = Address.parse("unix://:pw@/run/valkey.sock?db=3")
    assert unix.path == "/run/valkey.sock"
    assert unix.greeting == (("AUTH", "pw"), ("SELECT", "3"), ("PING",))
    assert Address.parse("rediss://store").tls
    assert (Address.parse("redis://").host, Address.parse("redis://").port) == ("localhost", 6379)


def test_a_cluster_and_sentinels_have_several_hosts() -> None:
    cluster = Address.parse("redis+cluster://ann:s%40crt@a:7000,b,[::1]:7002")
    assert (cluster.kind, cluster.tls) == ("cluster", False)
    assert cluster.seeds == (("a", 7000), ("b", 6379), ("::1", 7002))
    assert cluster.greeting == (("AUTH", "ann", "s@crt"), ("PING",))
    assert cluster.at("c", 1).greeting == cluster.greeting
    sentinel = Address.parse("rediss+sentinel://:pw@a,b:1/main/2?sentinel_password=other")
    assert (sentinel.kind, sentinel.service, sentinel.tls) == ("sentinel", "main", True)
    assert sentinel.seeds == (("a", 26379), ("b", 1))
    assert sentinel.greeting == (("AUTH", "pw"), ("SELECT", "2"), ("PING",))
    assert [one.greeting for one in sentinel.sentinels()] == [(("AUTH", "other"), ("PING",))] * 2
    assert repr(cluster) == "cluster a:7000,b:6379,::1:7002"


@pytest.mark.parametrize(
    ("url", "remedy"),
    [
        ("redis+sentinel://a,b", "needs the service's name"),
        ("redis+cluster://", "needs a host"),
        ("redis+cluster://a/3", "database 0 only"),
        ("redis+ring://a", "is no Redis URL"),
        ("unix+cluster:///run/a.sock", "is no Redis URL"),
    ],
)
def test_a_url_that_lacks_something_is_told_what(url: str, remedy: str) -> None:
    with pytest.raises(ValueError, match=remedy):
        Address.parse(url)


@pytest.mark.parametrize(
    "url", ["", "store:6379", "http://store", "redis://[::1", "redis://store:port"]
)
def test_what_is_no_redis_url_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        Address.parse(url)


@pytest.mark.parametrize(
    "url",
    [
        "redis://braid:hush@nowhere.invalid/1",
        "unix://:hush@/run/store.sock",
        "redis+cluster://:hush@nowhere.invalid",
        "redis+sentinel://:hush@nowhere.invalid/main?sentinel_password=hush",
    ],
)
def test_the_password_shows_in_no_repr_and_no_error(url: str, run: Loop) -> None:
    address = Address.parse(url)
    with pytest.raises(StoreUnavailable) as caught:
        run(reach(address, 0.5))
    assert "hush" not in f"{address!r} {address} {caught.value} {caught.value!r}"


@pytest.fixture(scope="module")
def guarded(program: str) -> Iterator[EmbeddedValkey]:
    """A server on TCP as well as its socket, with a password and a user of its own."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with EmbeddedValkey(port) as valkey:
        with Redis.from_url(valkey.url) as client:
            client.acl_setuser(
                "braid", enabled=True, passwords=["+s@crt"], keys=["*"], commands=["+@all"]
            )
            client.config_set("requirepass", "hush")
        yield valkey


def with_password(valkey: EmbeddedValkey) -> str:
    return valkey.url.replace("unix://", "unix://:hush@")


def tcp_port(valkey: EmbeddedValkey) -> int:
    with Redis.from_url(with_password(valkey)) as client:
        return int(client.config_get("port")["port"])


async def echo(address: Address, word: str) -> object:
    connection = await address.connect(5)
    try:
        return await connection.send(command("ECHO", word), Replies(1))
    finally:
        connection.abort()
        await connection.closed


@pytest.mark.parametrize(
    "url", ["redis://:hush@127.0.0.1:{port}", "redis://braid:s%40crt@localhost:{port}/2"]
)
def test_a_connection_over_tcp_authenticates(guarded: EmbeddedValkey, run: Loop, url: str) -> None:
    address = Address.parse(url.format(port=tcp_port(guarded)))
    assert run(echo(address, "hello")) == [b"hello"]


def test_a_connection_over_a_socket_authenticates(guarded: EmbeddedValkey, run: Loop) -> None:
    address = Address.parse(with_password(guarded))
    assert run(echo(address, "hello")) == [b"hello"]


def test_the_database_of_the_url_is_the_one_that_is_read(
    valkey: EmbeddedValkey, client: Redis, run: Loop
) -> None:
    with Redis.from_url(f"{valkey.url}?db=5") as other:
        other.set("where", "five")
    client.set("where", "zero")

    async def main() -> object:
        connection = await Address.parse(f"{valkey.url}?db=5").connect(5)
        try:
            return await connection.send(command("GET", "where"), Replies(1))
        finally:
            connection.abort()
            await connection.closed

    assert run(main()) == [b"five"]


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        (("unix://", "unix://"), "NOAUTH"),
        (("unix://", "unix://:wrong@"), "WRONGPASS"),
        (("unix://", "unix://nobody:hush@"), "WRONGPASS"),
        ((".sock", ".sock?db=99&password=hush"), "out of range"),
    ],
)
def test_a_refused_greeting_is_no_connection(
    guarded: EmbeddedValkey, run: Loop, change: tuple[str, str], complaint: str
) -> None:
    address = Address.parse(guarded.url.replace(*change))
    with pytest.raises(CommandRefused, match=complaint):
        run(address.connect(5))


@pytest.mark.parametrize(
    "url", ["unix:///nowhere/valkey.sock", "redis://127.0.0.1:1", f"redis://{'a' * 70}"]
)
def test_where_nothing_listens_the_store_is_down(run: Loop, url: str) -> None:
    with pytest.raises(StoreUnavailable) as caught:
        run(Address.parse(url).connect(5))
    assert caught.value.reason == "store_down"


def test_a_server_that_accepts_and_says_nothing_is_down(run: Loop, tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(tmp_path / "mute.sock"))
        listener.listen()
        with pytest.raises(StoreUnavailable) as caught:
            run(Address.parse(f"unix://{tmp_path}/mute.sock").connect(0.05))
    assert caught.value.reason == "store_down"


def test_a_server_that_speaks_another_protocol_is_down(run: Loop, tmp_path: Path) -> None:
    async def main() -> None:
        async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            writer.write(b"220 mail.example ESMTP\r\n")
            await reader.read()
            writer.close()

        path = tmp_path / "mail.sock"
        async with await asyncio.start_unix_server(answer, path):
            await Address.parse(f"unix://{path}").connect(5)

    with pytest.raises(StoreUnavailable) as caught:
        run(main())
    assert caught.value.reason == "store_down"
