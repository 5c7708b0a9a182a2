"""The build from source: fetched from apt's mirror, verified, built once, whole or not at all."""

import os
import signal
import time
from subprocess import CompletedProcess

import pytest

from scripts.bootstrap.source import CPYTHON

from .conftest import Machine, Mirror, builds, use_apt_sources

PATH = "pool/main/p/python3.14/stub.tar.xz"


def _program(sha256: str) -> str:
    return (
        "from scripts.bootstrap.source import Source, build\n"
        f"print(build(Source('3.14.7', '{PATH}', '{sha256}')).path)\n"
    )


def _build(machine: Machine, sha256: str) -> CompletedProcess[str]:
    return machine.python("-c", _program(sha256))


def _leftovers(machine: Machine) -> list[str]:
    return [path.name for path in machine.cache.iterdir() if path.is_dir()]


def test_the_mirror_comes_from_the_one_line_form_of_apts_sources(
    machine: Machine, mirror: Mirror, stub_cpython: bytes
) -> None:
    done = _build(machine, mirror.offer(PATH, stub_cpython))
    assert done.returncode == 0, done.stderr
    assert f"fetching {mirror.address}/{PATH}" in done.stderr
    assert done.stdout.strip().startswith(str(machine.cache / "python-3.14.7t-"))


def test_the_mirror_comes_from_the_deb822_form_and_the_next_is_tried_if_one_lacks_it(
    machine: Machine, mirror: Mirror, stub_cpython: bytes
) -> None:
    (machine.home / "sources.d" / "test.list").unlink()
    use_apt_sources(
        machine,
        f"Types: deb\nURIs: {mirror.address}-security/ {mirror.address}/\n"
        "Suites: stable stable-updates\nComponents: main\nTrusted: yes\n",
        name="test.sources",
    )
    done = _build(machine, mirror.offer(PATH, stub_cpython))
    assert done.returncode == 0, done.stderr
    assert f"fetching {mirror.address}-security/{PATH}" in done.stderr
    assert done.stderr.count(f"fetching {mirror.address}/{PATH}") == 1


def test_a_mirror_in_a_folder_serves_too(
    machine: Machine, mirror: Mirror, stub_cpython: bytes
) -> None:
    use_apt_sources(machine, f"deb [trusted=yes] file:{mirror.root} stable main\n")
    done = _build(machine, mirror.offer(PATH, stub_cpython))
    assert done.returncode == 0, done.stderr
    assert (mirror.root / PATH).exists()


def test_a_tarball_with_another_checksum_is_refused_before_it_is_unpacked(
    machine: Machine, mirror: Mirror, stub_cpython: bytes
) -> None:
    mirror.offer(CPYTHON.path, stub_cpython)
    done = machine.bootstrap("interpreter")
    assert done.returncode == 1
    assert f"not {CPYTHON.sha256}: refused" in done.stderr
    assert builds(machine) == 0
    assert _leftovers(machine) == []


def test_it_is_never_built_twice(machine: Machine, mirror: Mirror, stub_cpython: bytes) -> None:
    sha256 = mirror.offer(PATH, stub_cpython)
    first, second = _build(machine, sha256), _build(machine, sha256)
    assert first.stdout == second.stdout != ""
    assert second.stderr == ""
    assert builds(machine) == 1


def test_with_and_without_the_gil_are_two_builds_of_one_source(
    machine: Machine, mirror: Mirror, stub_cpython: bytes
) -> None:
    without = _program(mirror.offer(PATH, stub_cpython))
    with_gil = without.replace("')).path", "', gil=True)).path")
    paths = [machine.python("-c", program).stdout.strip() for program in (without, with_gil)]
    assert [path.rpartition("/")[2] for path in paths] == ["python3.14t", "python3.14"]
    assert builds(machine) == 2


def test_two_setups_at_once_build_once(
    machine: Machine, mirror: Mirror, stub_cpython: bytes
) -> None:
    sha256 = mirror.offer(PATH, stub_cpython)
    machine.env["BUILD_SECONDS"] = "1"
    both = [machine.start(_program(sha256)) for _ in range(2)]
    said = [child.communicate() for child in both]
    assert [child.returncode for child in both] == [0, 0]
    assert said[0][0] == said[1][0] != ""
    assert builds(machine) == 1
    assert any("another set-up is at work" in errors for _, errors in said)


def test_a_build_that_fails_shows_its_last_lines_and_is_not_taken_for_a_finished_one(
    machine: Machine, mirror: Mirror, stub_cpython: bytes
) -> None:
    sha256 = mirror.offer(PATH, stub_cpython)
    machine.env["AFTER_INSTALL"] = "echo disk full; false"
    failed = _build(machine, sha256)
    assert failed.returncode != 0
    assert "disk full" in failed.stderr
    assert _leftovers(machine) == []
    machine.env["AFTER_INSTALL"] = "true"
    assert _build(machine, sha256).returncode == 0


def test_a_build_that_would_lack_ssl_is_given_up_before_it_is_compiled(
    machine: Machine, mirror: Mirror, stub_cpython: bytes
) -> None:
    machine.env |= {"SSL": "missing", "BUILD_SECONDS": "60"}
    failed = _build(machine, mirror.offer(PATH, stub_cpython))
    assert failed.returncode != 0
    assert "it would lack _ssl" in failed.stderr


def test_a_killed_build_leaves_nothing_that_a_later_one_could_trip_over(
    machine: Machine, mirror: Mirror, stub_cpython: bytes
) -> None:
    sha256 = mirror.offer(PATH, stub_cpython)
    machine.env["BUILD_SECONDS"] = "60"
    child = machine.start(_program(sha256))
    while not builds(machine):
        assert child.poll() is None, child.communicate()
        time.sleep(0.05)
    os.killpg(child.pid, signal.SIGKILL)
    child.communicate()
    assert _leftovers(machine) != []
    machine.env["BUILD_SECONDS"] = "0"
    done = _build(machine, sha256)
    assert done.returncode == 0, done.stderr
    assert len(_leftovers(machine)) == 1


@pytest.mark.slow
@pytest.mark.timeout(1800)
@pytest.mark.skipif(
    "BRAID_TEST_BUILD" not in os.environ,
    reason="builds CPython for minutes; BRAID_TEST_BUILD=1 runs it",
)
def test_the_real_source_builds_into_a_free_threaded_python(machine: Machine) -> None:
    machine.env.clear()  # the real mirror
    (machine.home / "bin" / "cc").symlink_to("/usr/bin/cc")
    done = machine.bootstrap("interpreter")
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(str(machine.cache))
