"""Each rung of the ladder, on a machine where the rungs above it fail."""

import sys
import sysconfig

import pytest

from scripts.bootstrap.probe import Interpreter

from .conftest import Machine, Mirror

FREE = bool(sysconfig.get_config_var("Py_GIL_DISABLED"))
needs_free_threads = pytest.mark.skipif(not FREE, reason="needs a free-threaded Python to offer")

_RUN_THIS = f'exec "{sys.executable}" "$@"'

# What a sound interpreter answers when asked what it is.
_WITH_GIL = "echo '[[3, 14, 1], false, \"/opt/with-gil\"]'"


@needs_free_threads
def test_braid_python_is_taken_before_all_others(machine: Machine) -> None:
    machine.program("python3.14t", "echo taken by mistake; exit 1")
    machine.env["BRAID_PYTHON"] = sys.executable
    done = machine.bootstrap("interpreter")
    assert (done.returncode, done.stdout.strip()) == (0, sys.executable)


@pytest.mark.parametrize(
    ("script", "complaint"),
    [
        (None, "no such program"),
        ("exit 3", "exit status 3"),
        ("echo hello", "is no Python"),
        ("echo '[[3, 11, 2], false, \"/usr\"]'", "older than 3.14"),
        ('echo "ModuleNotFoundError: No module named ssl" >&2; exit 1', "named ssl"),
    ],
)
def test_a_wrong_braid_python_is_an_error_that_names_it_and_never_skipped(
    machine: Machine, script: str | None, complaint: str
) -> None:
    machine.program("python3.14t", _RUN_THIS)
    named = machine.program("mine", script) if script else machine.home / "missing"
    machine.env["BRAID_PYTHON"] = str(named)
    done = machine.bootstrap("interpreter")
    assert (done.returncode, done.stdout) == (1, "")
    assert f"BRAID_PYTHON={named}" in done.stderr
    assert complaint in done.stderr


@needs_free_threads
def test_python3_14t_on_the_path_is_used_without_asking_uv(machine: Machine) -> None:
    machine.program("uv", 'touch "$HOME/asked"; exit 1')
    python = machine.program("python3.14t", _RUN_THIS)
    done = machine.bootstrap("interpreter")
    assert (done.returncode, done.stdout.strip()) == (0, str(python))
    assert not (machine.home / "asked").exists()


@needs_free_threads
def test_a_python3_14t_with_the_gil_is_passed_over(machine: Machine) -> None:
    machine.program("python3.14t", _WITH_GIL)
    machine.program("uv", f'case $2 in find) echo "{sys.executable}";; esac')
    done = machine.bootstrap("interpreter")
    assert (done.returncode, done.stdout.strip()) == (0, sys.executable)
    assert "not free-threaded" in done.stderr


@needs_free_threads
def test_uv_installs_one_where_the_path_has_none(machine: Machine) -> None:
    machine.program("uv", f'echo "$*" >> "$HOME/log"; [ "$2" != find ] || echo "{sys.executable}"')
    done = machine.bootstrap("interpreter")
    assert (done.returncode, done.stdout.strip()) == (0, sys.executable)
    assert "python install 3.14t" in (machine.home / "log").read_text()


def test_when_uv_fails_its_reason_is_shown_and_the_source_is_tried(
    machine: Machine, mirror: Mirror
) -> None:
    machine.program("cc", "exit 0")
    done = machine.bootstrap("interpreter")
    assert "no route" in done.stderr
    assert f"fetching {mirror.address}/pool/main/p/python3.14/" in done.stderr


def test_the_last_rung_is_a_python_with_the_gil_and_it_warns_loudly(
    machine: Machine, mirror: Mirror
) -> None:
    machine.program("cc", "exit 0")
    python = machine.program("python3.14", _WITH_GIL)
    done = machine.bootstrap("interpreter")
    assert (done.returncode, done.stdout.strip()) == (0, str(python))
    assert "THE GIL IS ON" in done.stderr
    assert "!" * 60 in done.stderr


def test_with_no_rung_left_the_error_says_what_to_do(machine: Machine, mirror: Mirror) -> None:
    machine.program("cc", "exit 0")
    done = machine.bootstrap("interpreter")
    assert (done.returncode, done.stdout) == (1, "")
    assert "BRAID_PYTHON=/path/to/python3.14t" in done.stderr
    assert "Traceback" not in done.stderr


@needs_free_threads
def test_to_compare_with_only_a_python_that_has_the_gil_will_do(machine: Machine) -> None:
    ask = "from scripts.bootstrap import interpreter; print(interpreter.find_with_gil(None).path)"
    machine.program("python3.14", _RUN_THIS)
    done = machine.python("-c", ask)
    assert done.returncode != 0
    assert "has no GIL" in done.stderr
    python = machine.program("python3.14", _WITH_GIL)
    assert machine.python("-c", ask).stdout.strip() == str(python)


def test_an_interpreter_tells_what_it_is() -> None:
    told = str(Interpreter("/opt/p", (3, 14, 7), free_threaded=True, prefix="/opt"))
    assert told == "Python 3.14.7, free-threaded (/opt/p)"
