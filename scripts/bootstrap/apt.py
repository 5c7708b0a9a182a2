"""The distribution's mirror and packages, with or without root.

apt is asked rather than its files read: it knows every form of its configuration,
its proxies, certificates and passwords.
"""

from __future__ import annotations

import os
import re
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from . import cache
from .commands import answer
from .console import Unavailable, say

if TYPE_CHECKING:
    from collections.abc import Sequence

_HELPER = "/usr/lib/apt/apt-helper"
_LIBRARIES = "usr/lib/*-linux-gnu*/*.so"


def mirrors() -> list[str]:
    """Return the addresses of the configured mirrors, each once, in apt's order."""
    if not shutil.which("apt-get") or not Path(_HELPER).exists():
        raise Unavailable("this is no Debian or Ubuntu, so its source archive is unknown")
    # What `update` would fetch: needs neither root nor package lists, unlike `indextargets`.
    fetched = answer(["apt-get", "--print-uris", "update"])
    found = re.findall(r"^'(.+?)/?dists/", fetched, flags=re.MULTILINE)
    if not found:
        raise Unavailable("apt has no mirror configured")
    return list(dict.fromkeys(uri.rstrip("/") for uri in found))


def download(path: str, target: Path) -> None:
    """Fetch ``path`` of the archive, from the first mirror that has it, into ``target``."""
    reasons = []
    for mirror in mirrors():
        say(f"fetching {mirror}/{path}")
        try:
            answer([_HELPER, "download-file", f"{mirror}/{path}", str(target)])
        except Unavailable as why:
            target.unlink(missing_ok=True)
            reasons += [line for line in str(why).splitlines() if line.startswith("E:")]
        else:
            return
    raise Unavailable(f"no mirror of apt's has {path}: {'; '.join(reasons)}")


def install(packages: Sequence[str]) -> None:
    """Install packages into the system; root only."""
    say(f"installing with apt-get: {' '.join(packages)}")
    _apt_get(["update"])
    _apt_get(["install", "-y", "--no-install-recommends", *packages])


def extract(packages: Sequence[str], folder: Path) -> None:
    """Unpack packages below ``folder``, without root and without installing them."""
    say(f"fetching without installing: {' '.join(packages)}")
    with tempfile.TemporaryDirectory(dir=cache.folder(), prefix="apt-") as temporary:
        # apt's lists and caches are root's: a user needs a set of their own.
        own = Path(temporary)
        (own / "lists" / "partial").mkdir(parents=True)
        places = {"Dir::State::lists": own / "lists", "Dir::Cache": own, "Debug::NoLocking": "1"}
        options = [word for key, place in places.items() for word in ("-o", f"{key}={place}")]
        _apt_get([*options, "update"])
        _apt_get([*options, "download", *packages], cwd=own)
        folder.mkdir(parents=True, exist_ok=True)
        for deb in sorted(own.glob("*.deb")):
            answer(["dpkg", "-x", str(deb), str(folder)])
    _point_at_system_libraries(folder)


def _point_at_system_libraries(folder: Path) -> None:
    # A -dev package's libssl.so points at libssl.so.3 beside it, which another package
    # brings. The system has that one (its own Python needs it): point there.
    for link in folder.glob(_LIBRARIES):
        if not link.is_symlink() or link.exists():
            continue
        name = link.readlink().name
        system = Path("/") / link.relative_to(folder).with_name(name)
        if system.exists():
            link.unlink()
            link.symlink_to(system)


def _apt_get(arguments: Sequence[str], cwd: Path | None = None) -> None:
    # Quiet unless it fails, and never a question.
    env = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    answer(["apt-get", "-qq", *arguments], env=env, cwd=cwd)
