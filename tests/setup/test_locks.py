"""The locks: every pin has a hash, nothing names a registry, and they hold what is declared."""

import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
LOCKS = sorted((ROOT / "requirements").glob("*.lock"))
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]


def _pins(lock: Path) -> dict[str, str]:
    """Return the text of each pin, continuation lines included, by package."""
    joined = lock.read_text().replace("\\\n", " ")
    pins = [line for line in joined.splitlines() if re.match(r"[a-z0-9]", line)]
    return {re.split(r"[=\[ ]", pin)[0]: pin for pin in pins}


def _names(requirements: list[str]) -> set[str]:
    return {re.split(r"[\[<>=!~; ]", requirement)[0] for requirement in requirements}


@pytest.mark.parametrize("lock", LOCKS, ids=lambda lock: lock.name)
def test_every_pin_is_exact_and_has_a_hash(lock: Path) -> None:
    pins = _pins(lock)
    assert pins
    assert [
        name for name, pin in pins.items() if "==" not in pin or "--hash=sha256:" not in pin
    ] == []


@pytest.mark.parametrize("lock", LOCKS, ids=lambda lock: lock.name)
def test_no_lock_names_a_registry(lock: Path) -> None:
    assert re.findall(r"\S*://\S*|--\S*(?:index|find-links)\S*", lock.read_text()) == []


def test_the_development_lock_holds_every_declared_dependency() -> None:
    declared = list(PROJECT["dependencies"])
    for extra in PROJECT["optional-dependencies"].values():
        declared += extra
    assert _names(declared) - set(_pins(ROOT / "requirements/dev.lock")) == set()


@pytest.mark.parametrize("name", ["build.lock", "serve.lock", "train.lock"])
def test_the_images_run_the_versions_that_the_tests_ran(name: str) -> None:
    development = _pins(ROOT / "requirements/dev.lock")
    image = _pins(ROOT / "requirements" / name)
    versions = {package: pin.split()[0] for package, pin in image.items()}
    assert versions == {package: development[package].split()[0] for package in image}


@pytest.mark.parametrize("lock", LOCKS, ids=lambda lock: lock.name)
def test_nothing_that_switches_the_gil_back_on_is_pinned_for_the_service(lock: Path) -> None:
    if lock.name in {"load.lock", "bench.lock", "feast.lock"}:
        pytest.skip("locust and the benchmarks' peers have environments of their own, with a GIL")
    assert _pins(lock).keys() & {"hiredis", "libvalkey", "gevent"} == set()
