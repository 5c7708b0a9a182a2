"""Where nobody is asked for a key, only this machine gets in."""

import sys
from pathlib import Path

import pytest

from service import cli
from service.access.exposure import check_exposure
from service.errors import SettingInvalid
from service.settings import Settings


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.9.1", "::1", "localhost"])
def test_loopback_needs_no_keys(host: str) -> None:
    check_exposure(Settings(host=host))


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "10.0.0.7", "fe80::1%eth0", "braid", ""])  # noqa: S104  the point
def test_elsewhere_it_does_not_start_without_keys_and_says_the_ways_out(host: str) -> None:
    with pytest.raises(SettingInvalid, match=r"braid keys new.*--keys FILE.*--without-keys") as no:
        check_exposure(Settings(host=host))
    assert "\n" not in str(no.value)


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "braid"])  # noqa: S104  the point
def test_with_keys_or_told_so_it_starts_anywhere(host: str) -> None:
    check_exposure(Settings(host=host, keys=Path("keys.json")))
    check_exposure(Settings(host=host, without_keys=True))


def test_the_command_line_ends_with_one_line_before_anything_is_started(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(cli, "gil_enabled", lambda: False)
    monkeypatch.setenv("COLUMNS", "400")
    monkeypatch.setattr(sys, "argv", ["braid", "serve", "--host", "0.0.0.0"])  # noqa: S104  the point
    with pytest.raises(SystemExit) as ended:
        cli.main()
    assert ended.value.code == 1
    printed = capsys.readouterr()
    assert printed.out == ""
    assert len(printed.err.splitlines()) == 1
    assert "--without-keys" in printed.err
