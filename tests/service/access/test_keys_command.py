"""`braid keys`: prints a key once, keeps its hash, lists and revokes."""

import re
import sys
from pathlib import Path

import pytest

from service import cli
from service.access.file import load
from service.access.key import parse


@pytest.fixture(autouse=True)
def _plain(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cli, "gil_enabled", lambda: False)
    monkeypatch.setenv("COLUMNS", "200")


def braid(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], *words: str
) -> tuple[int, str]:
    """Run a command in this process: its exit code and what it printed."""
    monkeypatch.setattr(sys, "argv", ["braid", "keys", *words])
    try:
        cli.main()
        code = 0
    except SystemExit as ended:
        code = ended.code if isinstance(ended.code, int) else 0
    printed = capsys.readouterr()
    return code, printed.out + printed.err


def test_a_key_is_printed_once_and_is_the_one_in_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    path, audit = tmp_path / "keys.json", tmp_path / "audit.jsonl"
    flags = ["--scope", "read", "--scope", "write", "--rate", "200/s", "--expires", "90d"]
    code, printed = braid(
        monkeypatch, capsys, "new", "shop", *flags, "--keys", str(path), "--audit", str(audit)
    )
    assert code == 0
    text = re.findall(r"braid_\S+", printed)
    assert len(text) == 1
    record = load(path)[0]
    presented = parse(text[0].encode())
    assert presented is not None
    assert record.is_sealed(presented)
    assert record.scrypt.matches(presented.secret)
    assert (record.name, record.rate) == ("shop", "200/s")
    assert sorted(record.scopes) == ["read", "write"]
    assert record.expires is not None
    assert (record.expires - record.created).days in {89, 90}
    monkeypatch.setenv("BRAID_KEYS", str(path))
    _, listed = braid(monkeypatch, capsys, "list")
    assert "read write" in listed
    assert text[0] not in listed + audit.read_text() + path.read_text()
    code, _ = braid(monkeypatch, capsys, "revoke", "shop", "--audit", str(audit))
    assert code == 0
    assert load(path) == []
    assert [line.count("command line") for line in audit.read_text().splitlines()] == [1, 1]


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("new", "a b", "--scope", "read"), "is no name"),
        (("new", "shop", "--scope", "read", "--rate", "9/d"), "100/s"),
        (("new", "shop", "--scope", "root"), "read"),
        (("new", "shop"), "--scope"),
        (("new", "shop", "--empty-scope"), "empty-scope"),
        (("revoke", "shop"), "no key 'shop'"),
        (("list",), "No such file"),
    ],
)
def test_what_cannot_be_done_is_said_and_no_file_is_made(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    words: tuple[str, ...],
    told: str,
) -> None:
    path = tmp_path / "keys.json"
    code, printed = braid(monkeypatch, capsys, *words, "--keys", str(path))
    assert code != 0
    assert told in printed
    assert not path.exists()


def test_a_name_is_taken_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ("new", "shop", "--scope", "read", "--keys", str(tmp_path / "keys.json"))
    assert braid(monkeypatch, capsys, *words)[0] == 0
    code, printed = braid(monkeypatch, capsys, *words)
    assert code == 1
    assert "revoke it first" in printed
