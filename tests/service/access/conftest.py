"""A file of keys with one of each kind, and what a service makes of it, without the service."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from service.access import file
from service.access.access import Access
from service.access.audit import Audit
from service.access.keyring import Keyring
from service.access.record import Record
from service.access.refusals import Refusals
from service.access.scope import Scope
from service.access.verifier import Verifier


@dataclass
class Keychain:
    """The records of a file and the texts of their keys."""

    path: Path
    records: list[Record] = field(default_factory=list)
    texts: dict[str, str] = field(default_factory=dict)

    def make(self, name: str, *scopes: Scope, **more: Any) -> str:
        record, text = Record.make(name, frozenset(scopes), **more)
        self.records.append(record)
        self.texts[name] = text
        self.save()
        return text

    def revoke(self, name: str) -> None:
        self.records = [record for record in self.records if record.name != name]
        self.save()

    def save(self) -> None:
        file.save(self.path, self.records)


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> Keychain:
    """Made once: each costs a scrypt."""
    chain = Keychain(tmp_path_factory.mktemp("keys") / "keys.json")
    chain.make("reader", "read")
    chain.make("writer", "read", "write")
    chain.make("operator", "admin")
    return chain


@pytest.fixture
def keychain(made: Keychain, tmp_path: Path) -> Keychain:
    chain = Keychain(tmp_path / "keys.json", [*made.records], {**made.texts})
    chain.save()
    return chain


@dataclass
class House:
    """What a process has once, and one event loop's access."""

    keyring: Keyring
    verifier: Verifier
    audit: Audit

    def open(self) -> Access:
        return Access(self.keyring, self.verifier, Refusals(self.audit))


@pytest.fixture
def house(keychain: Keychain) -> Iterator[House]:
    house = House(Keyring(keychain.path), Verifier(), Audit(None))
    yield house
    house.keyring.stop()
    house.verifier.close()


def bearing(text: str) -> Sequence[tuple[bytes, bytes]]:
    return [(b"host", b"braid"), (b"authorization", b"Bearer " + text.encode())]
