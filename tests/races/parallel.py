"""A plugin of pytest's: which tests may run in many threads at once, and why the others may not.

`make test-parallel` runs the suite with it under pytest-run-parallel, which starts one test in
many threads at once. What a test shares with itself then is what its fixtures made: arrays,
snapshots and scorers are made for that; a server that each test empties is not.
"""

from collections.abc import Mapping
from fnmatch import fnmatch
from typing import Final

import pytest
from hypothesis import settings

SERVER: Final = "one server for all, emptied for each test"
FOLDER: Final = "one folder, which the test writes to"
COUNTED: Final = "it counts what happens in this process: threads, objects, helpers"

FIXTURES: Final[Mapping[str, str]] = {
    "address": SERVER,
    "client": SERVER,
    "filled": SERVER,
    "frail": SERVER,
    "pair": SERVER,
    "program": SERVER,
    "valkey": SERVER,
    "api": "one connection to one service",
    "service": "one service for all, whose counts the test reads",
    "caplog": "one log for all threads",
    "capfd": "one output for all threads",
    "capsys": "one output for all threads",
    "monkeypatch": "it changes what other threads see",
    "copy": FOLDER,
    "folder": FOLDER,
    "machine": FOLDER,
    "project": FOLDER,
    "run": "one event loop",
    "crew": COUNTED,
}
"""Fixtures that no two threads may have at once, whoever asks for them."""

TESTS: Final[Mapping[str, str]] = {
    "test_a_column_is_made_when_first_asked_for_and_kept": "each share has columns of its own",
    "test_asking_for_names_makes_no_column": "each share has columns of its own",
    "test_a_category_beyond_exact_float32_is_refused": "a model of half a gigabyte for each thread",
    "test_a_slate_is_what_a_plain_reading_of_its_rules_gives": "minutes of plain Python per thread",
}
"""Single tests."""

FILES: Final[Mapping[str, str]] = {
    "tests/benchmarks/*": "benchmarks measure, one at a time",
    "tests/faults/*": "a fault is injected into the whole process",
    "tests/races/*": "it starts its own threads, released together",
    "tests/setup/*": "it makes environments, one at a time",
    "tests/soak/*": "it starts a service of its own, for a minute",
    "tests/test_interpreter.py": "it starts interpreters, whose imports know no threads",
}
"""Whole files."""


def reason_against(path: str, test: str, fixtures: set[str]) -> str | None:
    """Return why a test may not run in several threads at once; None where it may."""
    if test in TESTS:
        return TESTS[test]
    for name in sorted(fixtures & FIXTURES.keys()):
        return f"{name}: {FIXTURES[name]}"
    for pattern, reason in FILES.items():
        if fnmatch(path, pattern):
            return reason
    return None


def pytest_configure() -> None:
    """Have hypothesis try fewer examples: eight threads try their own, of the same test."""
    settings.register_profile("threads", settings.get_profile("braid"), max_examples=10)
    settings.load_profile("threads")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what may not."""
    for item in items:
        asked = set(getattr(item, "fixturenames", ()))
        given = getattr(item, "callspec", None)  # an argument may bear a fixture's name
        fixtures = asked - set(given.params if given is not None else ())
        path, *_, name = item.nodeid.partition("[")[0].split("::")
        if (reason := reason_against(path, name, fixtures)) is not None:
            item.add_marker(pytest.mark.thread_unsafe(reason=reason))
