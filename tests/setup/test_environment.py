"""The environment: made once, made again when what it came from changes, never half."""

import shutil
import sys
from pathlib import Path

import pytest

from scripts.bootstrap import environment
from scripts.bootstrap.console import Stop
from scripts.bootstrap.probe import Interpreter, ask


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder, with a space in its name, whose lock pins nothing; uv is content with that."""
    monkeypatch.setenv("PATH", "/usr/bin:/bin")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    root = tmp_path / "a project"
    root.mkdir()
    monkeypatch.setenv("UV", _program(root / "uv", "exit 0"))
    (root / "some.lock").write_text("# nothing\n")
    return root


def _program(path: Path, script: str) -> str:
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return str(path)


class Ladder:
    """Yields this test's interpreter, and counts how often it was asked."""

    def __init__(self) -> None:
        self.asked = 0

    def __call__(self) -> Interpreter:
        self.asked += 1
        return ask(sys.executable)


def _make(project: Path, ladder: Ladder, *inputs: bytes) -> Path:
    venv = project / ".venv"
    environment.make(venv, project / "some.lock", list(inputs), ladder)
    return venv


def test_what_is_made_is_a_python_of_the_kind_that_the_ladder_found(project: Path) -> None:
    venv = _make(project, Ladder(), b"1")
    assert ask(str(venv / "bin" / "python")).prefix == sys.base_prefix


def test_a_second_setup_has_nothing_to_do(project: Path) -> None:
    ladder = Ladder()
    _make(project, ladder, b"1")
    _make(project, ladder, b"1")
    assert ladder.asked == 1


def test_a_changed_input_makes_it_again_and_keeps_the_interpreter(project: Path) -> None:
    ladder = Ladder()
    kept = _make(project, ladder, b"1") / "kept"
    kept.touch()
    _make(project, ladder, b"2")
    assert ladder.asked == 2
    assert kept.exists()


def test_a_removed_interpreter_is_noticed(project: Path) -> None:
    ladder = Ladder()
    python = _make(project, ladder, b"1") / "bin" / "python"
    python.unlink()
    python.symlink_to("/nowhere/python")
    _make(project, ladder, b"1")
    assert ladder.asked == 2
    assert ask(str(python)).prefix == sys.base_prefix


def test_a_failed_install_is_not_taken_for_a_finished_one(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("UV", "no-such-program")
    ladder = Ladder()
    (project / "some.lock").write_text("unpinned-and-without-a-hash\n")
    for _ in range(2):
        with pytest.raises(Stop, match="pip install failed"):
            _make(project, ladder, b"1")
    assert ladder.asked == 2


def test_a_uv_that_fails_leaves_the_work_to_pip(
    project: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    failing = '[ "$1" = --version ] || { echo "uv: no route" >&2; exit 2; }'
    monkeypatch.setenv("UV", _program(project / "uv", failing))
    _make(project, Ladder(), b"1")
    said = capfd.readouterr().err
    assert "uv: no route" in said
    assert "trying pip" in said
    assert ".venv is ready" in said


def test_an_environment_of_another_python_is_made_anew(project: Path) -> None:
    other = shutil.which("python3", path="/usr/bin:/bin")
    if other is None:
        pytest.skip("there is no second Python on this machine")
    venv = project / ".venv"
    environment.make(venv, project / "some.lock", [b"1"], Ladder())
    (venv / "bin" / "python").unlink()
    (venv / "bin" / "python").symlink_to(other)
    (venv / "stale").touch()
    _make(project, Ladder(), b"2")
    assert not (venv / "stale").exists()
