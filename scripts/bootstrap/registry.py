"""The package registry's settings, which pip has and uv does not read."""

from __future__ import annotations

import configparser
import os
from pathlib import Path

# What pip calls a setting, and what uv calls it. Not extra-index-url: pip takes a pinned
# file from whichever registry has it, uv insists on the first that knows the name.
_SETTINGS = {
    "index-url": "UV_DEFAULT_INDEX",
    "cert": "SSL_CERT_FILE",
}
_PIP_FILES = ("/etc/pip.conf", "~/.pip/pip.conf", "~/.config/pip/pip.conf")


def for_uv() -> dict[str, str]:
    """Return the environment to run uv in: this one, plus what only pip has been told.

    A registry or certificate in pip's variables or files counts for uv too, unless uv's
    own variable says otherwise.
    """
    # The system's certificates, as pip does unasked; by uv's older name for it and its newer.
    env = {"UV_NATIVE_TLS": "1", "UV_SYSTEM_CERTS": "1", **os.environ}
    files = configparser.RawConfigParser()
    files.read([Path(path).expanduser() for path in _PIP_FILES])
    for pips, uvs in _SETTINGS.items():
        told = env.get("PIP_" + pips.upper().replace("-", "_"))
        for section in ("install", "global"):
            told = told or files.get(section, pips, fallback=None)
        if told:
            env.setdefault(uvs, " ".join(told.split()))
    return env
