"""The file of keys: private, whole, and refused where it is anything else than what we wrote."""

import json
import os
import stat
import threading
from pathlib import Path
from typing import Any

import pytest

from service.access.file import KeysRejected, changing, load, save
from service.access.record import Record
from tests.service.access.conftest import Keychain


def test_what_is_saved_is_loaded(keychain: Keychain) -> None:
    assert load(keychain.path) == keychain.records


def test_it_is_readable_by_its_owner_alone_whatever_the_umask(keychain: Keychain) -> None:
    assert stat.S_IMODE(keychain.path.stat().st_mode) == 0o600


def test_nothing_is_left_beside_it(keychain: Keychain) -> None:
    assert [*keychain.path.parent.iterdir()] == [keychain.path]


def test_a_write_that_fails_leaves_the_old_one(
    keychain: Keychain, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        save(keychain.path, [])
    assert load(keychain.path) == keychain.records
    assert [*keychain.path.parent.iterdir()] == [keychain.path]


def test_a_link_stays_a_link(keychain: Keychain, tmp_path: Path) -> None:
    link = tmp_path / "link.json"
    link.symlink_to(keychain.path)
    save(link, keychain.records[:1])
    assert link.is_symlink()
    assert load(keychain.path) == keychain.records[:1]


def test_two_commands_at_once_lose_no_key(tmp_path: Path) -> None:
    path = tmp_path / "keys.json"
    records = [Record.make(f"key-{index}", frozenset({"read"}))[0] for index in range(8)]

    def add(record: Record) -> None:
        with changing(path) as found:
            save(path, [*found, record])

    threads = [threading.Thread(target=add, args=(record,)) for record in records]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {one.name for one in load(path)} == {one.name for one in records}


def spoil(document: dict[str, Any], how: str) -> None:
    first = document["keys"][0]
    match how:
        case "a scope of its own":
            first["scopes"] = ["read", "root"]
        case "no scope":
            first["scopes"] = []
        case "a field of its own":
            first["secret"] = "x"  # noqa: S105  the name is the point
        case "two of one name":
            document["keys"][1]["name"] = first["name"]
        case "two of one id":
            document["keys"][1]["id"] = first["id"]
        case "gigabytes of scrypt":
            first["scrypt"]["log2_n"] = 24
        case "a short salt":
            first["scrypt"]["salt"] = "AAAA"
        case "a rate of its own":
            first["rate"] = "many"
        case "an expiry without a zone":
            first["expires"] = "2027-01-01T00:00:00"
        case "another version":
            document["version"] = 2


@pytest.mark.parametrize(
    "how",
    [
        "a scope of its own",
        "no scope",
        "a field of its own",
        "two of one name",
        "two of one id",
        "gigabytes of scrypt",
        "a short salt",
        "a rate of its own",
        "an expiry without a zone",
        "another version",
    ],
)
def test_a_file_is_refused_for(how: str, keychain: Keychain) -> None:
    document = json.loads(keychain.path.read_text())
    spoil(document, how)
    keychain.path.write_text(json.dumps(document))
    with pytest.raises(KeysRejected, match="cannot be used"):
        load(keychain.path)


@pytest.mark.parametrize("content", [b"", b"{", b"\xff\xfe", b"[]", b"null"])
def test_what_is_no_file_of_keys_is_refused(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "keys.json"
    path.write_bytes(content)
    with pytest.raises(KeysRejected):
        load(path)


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(KeysRejected, match="No such file"):
        load(tmp_path / "keys.json")
