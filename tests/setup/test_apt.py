"""Packages without root, from a mirror with one package that is made here."""

import hashlib
import shutil
import subprocess
from pathlib import Path

import pytest

from .conftest import Machine, Mirror

_PROGRAM = """
from pathlib import Path
from scripts.bootstrap import apt
apt.extract(["probe-dev"], Path.home() / "prefix")
"""


@pytest.fixture
def package(tmp_path: Path, mirror: Mirror) -> None:
    """probe-dev: a header, and the link to a library that another package brings."""
    if not shutil.which("dpkg-deb"):
        pytest.skip("no dpkg-deb on this machine")
    system = next(Path("/usr/lib").glob("*-linux-gnu*/libz.so.*.*"))
    tree = tmp_path / "probe-dev"
    (tree / "DEBIAN").mkdir(parents=True)
    control = (
        "Package: probe-dev\nVersion: 1\nArchitecture: all\nMaintainer: Braid <b@example.org>\n"
        "Description: a package for a test\n"
    )
    (tree / "DEBIAN" / "control").write_text(control)
    (tree / "usr/include").mkdir(parents=True)
    (tree / "usr/include/probe.h").write_text("#define PROBE 1\n")
    link = tree / system.parent.relative_to("/") / "libprobe.so"
    link.parent.mkdir(parents=True)
    link.symlink_to(system.name)
    deb = tmp_path / "probe-dev.deb"
    subprocess.run(["dpkg-deb", "--build", "--root-owner-group", tree, deb], check=True)
    content = deb.read_bytes()
    sha256 = mirror.offer("pool/main/probe-dev.deb", content)
    index = (
        f"{control}Filename: pool/main/probe-dev.deb\nSize: {len(content)}\nSHA256: {sha256}\n\n"
    ).encode()
    listed = []
    for architecture in ("all", "amd64", "arm64"):
        path = f"main/binary-{architecture}/Packages"
        mirror.offer(f"dists/stable/{path}", index)
        listed.append(f" {hashlib.sha256(index).hexdigest()} {len(index)} {path}")
    release = (
        "Suite: stable\nCodename: stable\nComponents: main\nArchitectures: all amd64 arm64\n"
        "Date: Sun, 22 Nov 2026 00:00:00 UTC\nSHA256:\n" + "\n".join(listed) + "\n"
    )
    mirror.offer("dists/stable/Release", release.encode())


@pytest.mark.usefixtures("package")
def test_a_package_is_unpacked_without_being_installed_and_its_libraries_are_the_systems(
    machine: Machine,
) -> None:
    done = machine.python("-c", _PROGRAM)
    assert done.returncode == 0, done.stderr
    assert (machine.home / "prefix/usr/include/probe.h").exists()
    (link,) = (machine.home / "prefix").rglob("libprobe.so")
    assert link.resolve().name.startswith("libz.so.")
    assert not list(machine.cache.glob("apt-*"))


def test_a_package_that_no_mirror_has_is_named(machine: Machine, mirror: Mirror) -> None:
    done = machine.python("-c", _PROGRAM)
    assert done.returncode != 0
    assert "Unavailable" in done.stderr
