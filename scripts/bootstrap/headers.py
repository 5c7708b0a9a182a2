"""What a compiler needs to build CPython's ssl, zlib and ctypes, and where to get it."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from . import apt, cache
from .commands import answers
from .console import Unavailable, say

# Each header, and Debian's package for it.
_HEADERS = {
    "zlib.h": "zlib1g-dev",
    "openssl/ssl.h": "libssl-dev",
    "ffi.h": "libffi-dev",
    "bzlib.h": "libbz2-dev",
    "lzma.h": "liblzma-dev",
    "sqlite3.h": "libsqlite3-dev",
}
_TOOLS = {"cc": "gcc", "make": "make"}


def configure_options() -> list[str]:
    """Make compiler and headers ready; return what `configure` must be told of them.

    As root, what is missing is installed. A user gets the headers unpacked in the cache
    folder. Raises Unavailable, naming the packages, where neither works.
    """
    tools = [package for tool, package in _TOOLS.items() if not shutil.which(tool)]
    if os.geteuid() == 0:
        missing = tools + (["libc6-dev"] if tools else [])
        if missing:
            apt.install(missing)
        missing = _missing([])
        if missing:
            apt.install(missing)
        return []
    if tools:
        raise Unavailable(f"a compiler is needed; as root: apt-get install {' '.join(tools)}")
    missing = _missing([])
    if not missing:
        return []
    if not _missing(_includes()):
        return _private_options()
    try:
        apt.extract(missing, cache.folder() / "headers")
    except Unavailable as why:
        names = " ".join(missing)
        raise Unavailable(f"{why}; as root: apt-get install {names}") from why
    still = _missing(_includes())
    if still:
        raise Unavailable(f"headers are missing; as root: apt-get install {' '.join(still)}")
    say(f"using headers below {cache.folder() / 'headers'}")
    return _private_options()


def _usr() -> Path:
    return cache.folder() / "headers" / "usr"


def _includes() -> list[str]:
    folders = [_usr() / "include", *_usr().glob("include/*-linux-gnu*")]
    return [f"-I{folder}" for folder in folders]


def _private_options() -> list[str]:
    libraries = [f"-L{folder}" for folder in _usr().glob("lib/*-linux-gnu*")]
    return [
        f"CPPFLAGS={' '.join(_includes())}",
        f"LDFLAGS={' '.join(libraries)}",
        # OpenSSL is looked for by folder, not by compiling.
        f"--with-openssl={_usr()}",
    ]


def _missing(flags: list[str]) -> list[str]:
    """Return the packages of the headers that the compiler does not find."""
    return [package for header, package in _HEADERS.items() if not _compiles(header, flags)]


def _compiles(header: str, flags: list[str]) -> bool:
    command = ["cc", "-E", *flags, "-x", "c", "-"]
    # stdio.h first: some headers count on the caller having included it.
    program = f"#include <stdio.h>\n#include <{header}>\n"
    return answers(command, stdin=program)
