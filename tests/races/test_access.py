"""Keys that come and go in their file while every event loop asks: no loop remembers too long."""

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest

from service.access.access import Access
from service.access.audit import Audit
from service.access.file import save
from service.access.keyring import Keyring
from service.access.rate import Bucket, Rate
from service.access.record import Record
from service.access.refusals import Refusals
from service.access.scope import Scope
from service.access.verifier import Verifier
from service.http.problems import ProblemError, Unauthorized
from tests.races.together import against, together

EDITS, THREADS, TRIES = 8, 4, 20_000
READ: frozenset[Scope] = frozenset(("read",))


class Gate:
    """A keyring, its file, and whether the guest is in it now."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.host, self.host_key = Record.make("host", READ)
        self.guest, self.guest_key = Record.make("guest", READ)
        save(path, [self.host])
        self.keyring = Keyring(path)
        self.verifier = Verifier()
        self.audit = Audit(None)
        self.good: bool | None = False
        self.told = list[bool]()

    def edit(self) -> None:
        """Add the guest and take it away, again and again, as the file's follower reads it."""
        for _ in range(EDITS):
            for records, good in (([self.host, self.guest], True), ([self.host], False)):
                self.good = None  # nobody can tell, until it is read
                save(self.path, records)
                self.keyring._read()
                self.good = good
                asyncio.run(self.ask(Access(self.keyring, self.verifier, Refusals(self.audit))))

    async def ask(self, access: Access) -> None:
        """Ask with the guest's key, then with the host's."""
        before, edits = self.good, self.keyring.keys
        admitted = await self._is_admitted(access, self.guest_key)
        if before is not None and before is self.good and edits is self.keyring.keys:
            assert admitted is before, "refused, or remembered too long"
            self.told.append(admitted)
        assert await self._is_admitted(access, self.host_key)

    async def _is_admitted(self, access: Access, key: str) -> bool:
        try:
            told = access.check([(b"x-api-key", key.encode())], "read")
            name = told if isinstance(told, str) else await told
        except Unauthorized:
            return False
        assert key == (self.host_key if name == "host" else self.guest_key), "another's name"
        return True

    def loop(self) -> Callable[[], None]:
        """Return what one event loop does: it keeps its verdicts from one turn to the next."""
        access = Access(self.keyring, self.verifier, Refusals(self.audit))
        return lambda: asyncio.run(self.ask(access))


@pytest.fixture
def gate(tmp_path: Path) -> Gate:
    return Gate(tmp_path / "keys.json")


def test_no_loop_admits_a_key_that_was_taken_away_or_refuses_one_that_is_there(gate: Gate) -> None:
    try:
        against([gate.edit], gate.loop(), gate.loop())
    except ProblemError as problem:
        raise AssertionError(problem.detail) from problem
    finally:
        gate.verifier.close()
    assert set(gate.told) == {True, False}


def test_a_bucket_gives_each_of_its_tokens_once() -> None:
    bucket, taken = Bucket(Rate(1000, 3600)), list[int]()

    def take() -> None:
        taken.append(sum(bucket.take(1) >= 0 for _ in range(TRIES)))

    together(*(take for _ in range(THREADS)))
    assert sum(taken) == 1000
