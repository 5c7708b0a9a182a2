"""Who is let in: at once where the key is known, after one scrypt where it is not."""

import asyncio
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import pytest

from service.access import access as access_module
from service.access import key
from service.access.access import Access
from service.access.file import save
from service.access.key import make
from service.access.keyring import VERDICT_NS, Keyring
from service.access.record import Record, Scrypt
from service.access.scope import Scope
from service.access.verifier import MOST_WAITING
from service.errors import SettingInvalid
from service.http.problems import Forbidden, ProblemError, TooManyRequests, Unauthorized
from tests.service.access.conftest import House, Keychain, bearing


@pytest.fixture
def hashed(monkeypatch: pytest.MonkeyPatch) -> list[bytes]:
    """The secrets that went through scrypt."""
    seen: list[bytes] = []
    matches = Scrypt.matches

    def counted(self: Scrypt, secret: bytes) -> bool:
        seen.append(secret)
        return matches(self, secret)

    monkeypatch.setattr(Scrypt, "matches", counted)
    return seen


async def who(access: Access, text: str, scope: Scope = "read") -> str:
    found = access.check(bearing(text), scope)
    return found if isinstance(found, str) else await found


def ask(access: Access, text: str, scope: Scope = "read") -> str:
    return asyncio.run(who(access, text, scope))


async def until(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not holds():  # noqa: ASYNC110  a file is looked at, which nobody is told of
            await asyncio.sleep(0.01)


def test_a_good_key_is_known_by_its_name(house: House, keychain: Keychain) -> None:
    access = house.open()
    assert ask(access, keychain.texts["reader"]) == "reader"
    assert ask(access, keychain.texts["writer"]) == "writer"


def test_a_key_is_hashed_once_and_then_known_at_once(
    house: House, keychain: Keychain, hashed: list[bytes]
) -> None:
    access = house.open()
    ask(access, keychain.texts["reader"])
    assert access.check(bearing(keychain.texts["reader"]), "read") == "reader"
    assert len(hashed) == 1


def test_another_event_loop_takes_the_verdict_of_the_first(
    house: House, keychain: Keychain, hashed: list[bytes]
) -> None:
    ask(house.open(), keychain.texts["reader"])
    assert house.open().check(bearing(keychain.texts["reader"]), "read") == "reader"
    assert len(hashed) == 1


def test_requests_that_come_together_with_a_new_key_share_one_hash(
    house: House, keychain: Keychain, hashed: list[bytes]
) -> None:
    access = house.open()

    async def many() -> list[str]:
        return await asyncio.gather(*(who(access, keychain.texts["reader"]) for _ in range(20)))

    assert asyncio.run(many()) == ["reader"] * 20
    assert len(hashed) == 1


def test_x_api_key_does_as_well(house: House, keychain: Keychain) -> None:
    access = house.open()
    ask(access, keychain.texts["reader"])
    text = keychain.texts["reader"].encode()
    assert access.check([(b"x-api-key", text)], "read") == "reader"
    basic = (b"authorization", b"Basic cHJveHk6cHJveHk=")
    assert access.check([basic, (b"x-api-key", text)], "read") == "reader"
    assert access.check([(b"authorization", b"bEARER " + text)], "read") == "reader"


@pytest.mark.parametrize(
    "headers",
    [
        [],
        [(b"authorization", b"Basic YTpi")],
        [(b"authorization", b"Bearer ")],
        [(b"authorization", b"Bearer")],
        [(b"x-api-key", b"")],
        [(b"x-api-key", b"\xff" * 63)],
        [(b"x-api-key", b"a" * 63)],
        [(b"x-api-key", b"a" * 100_000)],
    ],
)
def test_without_a_key_nobody_is_let_in(house: House, headers: list[tuple[bytes, bytes]]) -> None:
    with pytest.raises(Unauthorized) as refused:
        house.open().check(headers, "read")
    assert refused.value.headers["www-authenticate"].startswith("Bearer")


def test_two_keys_are_one_too_many(house: House, keychain: Keychain) -> None:
    text = keychain.texts["reader"]
    with pytest.raises(Unauthorized, match="more than one"):
        house.open().check([*bearing(text), (b"x-api-key", text.encode())], "read")


@pytest.mark.parametrize(
    ("name", "allowed"),
    [("reader", {"read"}), ("writer", {"read", "write"}), ("operator", {"admin"})],
)
def test_a_key_may_what_its_scopes_say_and_no_scope_includes_another(
    house: House, keychain: Keychain, name: str, allowed: set[Scope]
) -> None:
    access = house.open()
    scopes: tuple[Scope, ...] = ("read", "write", "admin")
    for scope in scopes:
        if scope in allowed:
            assert ask(access, keychain.texts[name], scope) == name
        else:
            with pytest.raises(Forbidden, match=f"takes the scope {scope}"):
                ask(access, keychain.texts[name], scope)


def test_a_made_up_key_and_a_wrong_secret_fail_alike_and_without_a_hash(
    house: House, keychain: Keychain, hashed: list[bytes]
) -> None:
    access = house.open()
    real = keychain.texts["reader"]
    ask(access, real)
    made_up, _ = make(b"k" * 32)
    flood = [made_up, real[:-1] + ("a" if real[-1] != "a" else "b")]
    flood += [real[:15] + make(b"k" * 32)[0][15:] for _ in range(5000)]
    flood += [make(b"k" * 32)[0] for _ in range(5000)]
    told = set()
    for text in flood:
        with pytest.raises(Unauthorized) as refused:
            access.check(bearing(text), "read")
        told.add((refused.value.detail, *refused.value.headers.items()))
    assert len(told) == 1, "the answer does not tell which ids there are"
    assert len(hashed) == 1, "only the good key was worth a hash"
    assert access.check(bearing(real), "read") == "reader"


def forged(record: Record) -> str:
    """Return a key with the right seal and another secret: what a reader of the file can make."""
    parts = make(record.seal_key)[1]
    seal = key._seal(record.id.encode(), parts.secret, record.seal_key)
    return f"braid_{record.id}_{parts.secret.decode()}{seal.decode()}"


def test_whoever_has_read_the_file_gets_no_further_than_the_hash(
    house: House, keychain: Keychain, hashed: list[bytes]
) -> None:
    with pytest.raises(Unauthorized):
        ask(house.open(), forged(keychain.records[0]))
    assert len(hashed) == 1


def test_a_flood_of_forged_seals_waits_in_a_queue_of_bounded_length(
    house: House, keychain: Keychain, hashed: list[bytes]
) -> None:
    access = house.open()
    ask(access, keychain.texts["reader"])
    held = threading.Event()
    house.verifier._thread.submit(held.wait)  # so that none is worked off while we count

    async def flood() -> list[BaseException | str]:
        asked = [
            asyncio.ensure_future(who(access, forged(keychain.records[0]))) for _ in range(500)
        ]
        await asyncio.sleep(0)
        assert access.check(bearing(keychain.texts["reader"]), "read") == "reader"
        await asyncio.sleep(0)
        for task in asked:
            task.cancel()
        held.set()
        return await asyncio.gather(*asked, return_exceptions=True)

    outcomes = asyncio.run(flood())
    busy = [one for one in outcomes if isinstance(one, TooManyRequests)]
    assert len(busy) == 500 - MOST_WAITING
    assert busy[0].headers["retry-after"] == "1"
    assert len(hashed) <= 2, "what nobody waits for any more is not hashed"
    # And room is there again.
    with pytest.raises(Unauthorized):
        ask(access, forged(keychain.records[0]))


def test_an_expired_key_is_refused(house: House, keychain: Keychain) -> None:
    keychain.make("guest", "read", expires=datetime.now(UTC) - timedelta(seconds=1))
    house.keyring._read()
    with pytest.raises(Unauthorized, match="expired"):
        ask(house.open(), keychain.texts["guest"])


def test_a_key_expires_while_it_is_in_use(house: House, keychain: Keychain) -> None:
    keychain.make("guest", "read", expires=datetime.now(UTC) + timedelta(seconds=3))
    house.keyring._read()
    access = house.open()

    async def use() -> None:
        assert await who(access, keychain.texts["guest"]) == "guest"
        await until(lambda: _refused(access, keychain.texts["guest"]))

    asyncio.run(use())


def test_an_old_verdict_is_made_anew(
    house: House, keychain: Keychain, hashed: list[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    access = house.open()
    ask(access, keychain.texts["reader"])
    later = time.monotonic_ns() + VERDICT_NS
    monkeypatch.setattr(access_module, "monotonic_ns", lambda: later)
    found = access.check(bearing(keychain.texts["reader"]), "read")
    assert not isinstance(found, str)
    found.close()  # type: ignore[attr-defined]  # a coroutine
    assert len(hashed) == 1


def test_the_file_is_followed_and_a_revoked_key_ends(house: House, keychain: Keychain) -> None:
    access = house.open()
    house.keyring.start()

    async def use() -> None:
        assert await who(access, keychain.texts["reader"]) == "reader"
        guest = keychain.make("guest", "read")
        keychain.revoke("reader")
        await until(
            lambda: len(house.keyring.keys) == 3 and _refused(access, keychain.texts["reader"])
        )
        assert await who(access, guest) == "guest"
        assert await who(access, keychain.texts["writer"]) == "writer"

    asyncio.run(use())


def _refused(access: Access, text: str) -> bool:
    try:
        access.check(bearing(text), "read")
    except Unauthorized:
        return True
    return False


def test_keys_that_did_not_change_keep_their_verdict_and_bucket(
    house: House, keychain: Keychain, hashed: list[bytes]
) -> None:
    text = keychain.make("limited", "read", rate="2/h")
    house.keyring._read()
    access = house.open()
    ask(access, text)
    keychain.make("guest", "read")
    house.keyring._read()
    assert access.check(bearing(text), "read") == "limited"
    assert len(hashed) == 1
    with pytest.raises(TooManyRequests):
        access.check(bearing(text), "read")


def test_a_key_whose_scopes_change_is_verified_anew_and_keeps_its_bucket(
    house: House, keychain: Keychain, hashed: list[bytes]
) -> None:
    text = keychain.make("limited", "read", rate="2/h")
    house.keyring._read()
    access = house.open()
    ask(access, text)
    keychain.records[-1] = msgspec.structs.replace(
        keychain.records[-1], scopes=frozenset({"write"})
    )
    keychain.save()
    house.keyring._read()
    with pytest.raises(Forbidden):
        ask(access, text)
    assert ask(access, text, "write") == "limited"
    with pytest.raises(TooManyRequests):
        ask(access, text, "write")
    assert len(hashed) == 2


@pytest.mark.parametrize("content", [b"", b"{}", None])
def test_a_broken_file_leaves_the_keys_as_they_were(
    house: House, keychain: Keychain, caplog: pytest.LogCaptureFixture, content: bytes | None
) -> None:
    if content is None:
        keychain.path.unlink()
    else:
        keychain.path.write_bytes(content)
    house.keyring._read()
    assert ask(house.open(), keychain.texts["reader"]) == "reader"
    assert "the keys stay as they were" in caplog.text


def test_a_file_that_cannot_be_used_at_the_start_is_told_with_the_remedy(tmp_path: Path) -> None:
    with pytest.raises(SettingInvalid, match=r"--keys=.*No such file.*braid keys new"):
        Keyring(tmp_path / "keys.json")


def test_more_than_its_rate_is_refused_with_when_to_come_again(
    house: House, keychain: Keychain
) -> None:
    text = keychain.make("limited", "read", rate="3/min")
    house.keyring._read()
    access, other = house.open(), house.open()
    assert ask(access, text) == "limited"
    assert [access.check(bearing(text), "read"), other.check(bearing(text), "read")] == [
        "limited",
        "limited",
    ]
    for loop in (access, other):  # one bucket for all loops
        with pytest.raises(TooManyRequests) as refused:
            loop.check(bearing(text), "read")
        assert refused.value.headers == {
            "retry-after": "20",
            "ratelimit": '"key";r=0;t=20',
            "ratelimit-policy": '"key";q=3;w=60',
        }
    assert ask(access, keychain.texts["reader"]) == "reader", "each key has its own"


def test_what_is_refused_is_counted_and_told_in_few_lines(
    house: House, caplog: pytest.LogCaptureFixture
) -> None:
    access = house.open()
    house.audit.start()
    for _ in range(1000):
        with pytest.raises(ProblemError):
            access.check([], "read")
    house.audit.stop()
    assert access._refusals.counts == {"no_key": 1000}
    assert 1 <= caplog.text.count("refused: no_key") <= 3


def test_loops_in_threads_ask_and_the_file_changes_meanwhile(
    house: House, keychain: Keychain
) -> None:
    """No good key is ever refused, and a revoked one not let in once its file was read."""
    stop = threading.Event()
    faults: list[BaseException] = []

    def serve() -> None:
        access = house.open()

        async def run() -> None:
            while not stop.is_set():
                assert await who(access, keychain.texts["writer"]) == "writer"
                await asyncio.sleep(0.001)

        try:
            asyncio.run(run())
        except BaseException as fault:  # noqa: BLE001  told to the test
            faults.append(fault)

    threads = [threading.Thread(target=serve) for _ in range(3)]
    for thread in threads:
        thread.start()
    without = [record for record in keychain.records if record.name != "reader"]
    access = house.open()
    for turn in range(12):
        save(keychain.path, without if turn % 2 == 0 else keychain.records)
        house.keyring._read()
        if turn % 2 == 0:
            with pytest.raises(Unauthorized):
                ask(access, keychain.texts["reader"])
        else:
            assert ask(access, keychain.texts["reader"]) == "reader"
    stop.set()
    for thread in threads:
        thread.join()
    assert faults == []
