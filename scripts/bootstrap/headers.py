"""What a compiler needs to build CPython's ssl, zlib and ctypes, and where to get it."""

from __future__ import annotations

import os
import shutil

from . import apt, cache
from .commands import answers
from .console import Unavailable, say

# Header, Debian's package, and whether Braid can do without it.
_HEADERS = {
    "zlib.h": "zlib1g-dev",
    "openssl/ssl.h": "libssl-dev",
    "ffi.h": "libffi-dev",
    "bzlib.h": "libbz2-dev",
    "lzma.h": "liblzma-dev",
    "sqlite3.h": "libsqlite3-dev",
}
_TOOLS = {"cc": "gcc", "make": "make"}


def compiler_flags() -> dict[str, str]:
    """Make compiler and headers ready; return the variables that `configure` needs for them.

    As root, what is missing is installed. A user gets the headers unpacked in the cache
    folder. Raises Unavailable, naming the packages, where neither works.
    """
    tools = [package for tool, package in _TOOLS.items() if not shutil.which(tool)]
    if os.geteuid() == 0:
        missing = tools + (["libc6-dev"] if tools else [])
        if missing:
            apt.install(missing)
        missing = _missing({})
        if missing:
            apt.install(missing)
        return {}
    if tools:
        raise Unavailable(f"a compiler is needed; as root: apt-get install {' '.join(tools)}")
    private = _private_flags()
    missing = _missing({})
    if not missing:
        return {}
    if not _missing(private):
        return private
    try:
        apt.extract(missing, cache.folder() / "headers")
    except Unavailable as why:
        names = " ".join(missing)
        raise Unavailable(f"{why}; as root: apt-get install {names}") from why
    private = _private_flags()
    still = _missing(private)
    if still:
        raise Unavailable(f"headers are missing; as root: apt-get install {' '.join(still)}")
    say(f"using headers below {cache.folder() / 'headers'}")
    return private


def _private_flags() -> dict[str, str]:
    usr = cache.folder() / "headers" / "usr"
    includes = [usr / "include", *usr.glob("include/*-linux-gnu*")]
    libraries = usr.glob("lib/*-linux-gnu*")
    return {
        "CPPFLAGS": " ".join(f"-I{folder}" for folder in includes),
        "LDFLAGS": " ".join(f"-L{folder}" for folder in libraries),
    }


def _missing(flags: dict[str, str]) -> list[str]:
    """Return the packages of the headers that the compiler does not find."""
    words = flags.get("CPPFLAGS", "").split()
    return [package for header, package in _HEADERS.items() if not _compiles(header, words)]


def _compiles(header: str, flags: list[str]) -> bool:
    command = ["cc", "-E", *flags, "-x", "c", "-"]
    # stdio.h first: some headers count on the caller having included it.
    program = f"#include <stdio.h>\n#include <{header}>\n"
    return answers(command, stdin=program)
