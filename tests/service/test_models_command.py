"""`braid models` against a running service: what an operator types, and reads."""

import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from service import cli
from service.running import running
from service.settings import Settings
from tests.service.conftest import QUIET
from tests.service.models import publish

type Braid = Callable[..., tuple[int, str, str]]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("models")
    for world in ("one", "two"):
        publish(folder, world=world)
    shutil.copytree(folder / sorted(folder.iterdir())[0].name, folder / "damaged")
    (folder / "damaged" / "ranker.txt").unlink()
    return folder


@pytest.fixture(scope="module")
def url(folder: Path) -> Iterator[str]:
    first = min(path for path in folder.iterdir() if path.name != "damaged")
    with running(Settings(artifact=first, port=0, loops=1), QUIET) as service:
        yield service.url


@pytest.fixture
def braid(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], url: str) -> Braid:
    monkeypatch.setenv("COLUMNS", "300")
    monkeypatch.setattr(cli, "gil_enabled", lambda: False)  # with the GIL it is said ahead of all

    def run(*words: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["braid", "models", *words, "--url", url])
        with pytest.raises(SystemExit) as ended:
            cli.main()
        told = capfd.readouterr()
        return int(ended.value.code or 0), told.out, told.err

    return run


def test_versions_are_activated_listed_and_gone_back_from(braid: Braid, folder: Path) -> None:
    first, second = sorted(path.name for path in folder.iterdir() if path.name != "damaged")
    code, told, _ = braid("activate", second)
    assert (code, told.strip()) == (
        0,
        f"Serving {second}; `braid models rollback` goes back to {first}",
    )
    code, told, _ = braid()
    assert code == 0
    lines = {line.split()[1]: line for line in told.splitlines() if line.startswith("│")}
    assert "active" in lines[second]
    assert "previous" in lines[first]
    code, told, _ = braid("rollback")
    assert (code, told.strip()) == (0, f"Serving {first} again")


@pytest.mark.parametrize(
    ("words", "fault"),
    [
        (("activate", "damaged"), "ranker.txt"),
        (("activate", "2020-01-01-1"), "publish it there"),
        (("rollback",), "activate one"),
    ],
)
def test_a_refusal_is_one_line_with_the_reason(
    braid: Braid, words: tuple[str, ...], fault: str
) -> None:
    code, _, told = braid(*words)
    assert code == 1
    assert told.startswith("braid: ")
    assert fault in told
    assert told.count("\n") == 1


def test_a_refused_version_is_listed_with_the_reason(braid: Braid) -> None:
    braid("activate", "damaged")
    _, told, _ = braid()
    (line,) = [line for line in told.splitlines() if "damaged" in line]
    assert "cannot be read" in line
