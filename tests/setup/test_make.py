"""The Makefile, and that set-up runs before anything is installed."""

import ast
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
MAKEFILE = (ROOT / "Makefile").read_text()
PHONY = re.search(r"^\.PHONY: (.+)$", MAKEFILE, re.MULTILINE)
TARGETS = sorted(PHONY[1].split()) if PHONY else []


def _make(*arguments: str) -> str:
    # Not a part of the `make test` that may be running this.
    env = {name: value for name, value in os.environ.items() if not name.startswith("MAKE")}
    command = ["make", *arguments]
    done = subprocess.run(command, cwd=ROOT, env=env, check=True, capture_output=True, text=True)
    return done.stdout


def test_make_alone_shows_a_line_for_every_target() -> None:
    shown = re.findall(r"^  make (\S+) +\S", _make(), re.MULTILINE)
    assert sorted(shown) == TARGETS != []


@pytest.mark.parametrize("target", ["demo", "serve", "evaluate", "bench", "test", "check"])
def test_every_target_that_needs_the_environment_makes_it_first(target: str) -> None:
    lines = _make("-n", target).splitlines()
    assert lines[0] == "python3 -m scripts.bootstrap environment"
    assert lines[1].startswith(".venv/bin/python ")


def test_an_audit_that_could_not_look_something_up_fails() -> None:
    lines = _make("-n", "audit")
    assert "pip_audit --strict" in lines, "without it what is skipped passes silently"
    assert "exit 1" in lines


def test_arguments_reach_the_program() -> None:
    assert _make("-n", "demo", "ARGS=--once").rstrip().endswith("demo --once")


@pytest.mark.parametrize(
    "source", sorted((ROOT / "scripts").rglob("*.py")), ids=lambda source: source.stem
)
def test_setup_is_python_3_9_and_imports_the_standard_library_alone(source: Path) -> None:
    tree = ast.parse(source.read_text(), feature_version=(3, 9))
    modules = [
        name.name for node in ast.walk(tree) if isinstance(node, ast.Import) for name in node.names
    ]
    modules += [
        node.module or ""
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and node.level == 0
    ]
    assert [name for name in modules if name.split(".")[0] not in sys.stdlib_module_names] == []
