"""A machine of one's own for a test: an empty home, a PATH we choose, an apt we answer."""

import functools
import hashlib
import http.server
import io
import shutil
import subprocess
import sys
import sysconfig
import tarfile
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

# What set-up looks for, and what therefore must not come in from the real machine.
_HIDDEN = ("uv", "python3.14", "python3.14t", "python3.15", "cc", "pip")


@pytest.fixture(scope="session")
def plain_path(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A PATH with the system's programs, but without any uv, compiler or modern Python."""
    folder = tmp_path_factory.mktemp("path")
    for source in ("/usr/bin", "/bin", "/usr/sbin", "/sbin"):
        for program in Path(source).iterdir():
            link = folder / program.name
            if program.name not in _HIDDEN and not link.is_symlink():
                link.symlink_to(program)
    return str(folder)


@dataclass
class Machine:
    """An empty home with programs of the test's making ahead of the system's."""

    home: Path
    path: str
    env: dict[str, str] = field(default_factory=dict)

    def program(self, name: str, script: str) -> Path:
        """Put a shell script first on the PATH."""
        target = self.home / "bin" / name
        target.parent.mkdir(exist_ok=True)
        target.write_text(f"#!/bin/sh\n{script}\n")
        target.chmod(0o755)
        return target

    @property
    def environment(self) -> dict[str, str]:
        return {
            "HOME": str(self.home),
            "PATH": f"{self.home / 'bin'}:{self.path}",
            "PYTHONDONTWRITEBYTECODE": "1",
            **self.env,
        }

    def python(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run the system's python3, as `make` would, in the project's folder."""
        return subprocess.run(
            [self._python3, *arguments],
            cwd=ROOT,
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
        )

    def bootstrap(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return self.python("-m", "scripts.bootstrap", *arguments)

    def start(self, code: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [self._python3, "-c", code],
            cwd=ROOT,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    @property
    def cache(self) -> Path:
        return self.home / ".cache" / "braid"

    @property
    def _python3(self) -> str:
        return shutil.which("python3", path=self.environment["PATH"]) or sys.executable


@pytest.fixture
def machine(tmp_path: Path, plain_path: str) -> Machine:
    home = tmp_path / "home"
    home.mkdir()
    machine = Machine(home, plain_path)
    # Out of reach unless a test says otherwise: no registry, no mirror, no uv that installs.
    machine.env["PIP_NO_INDEX"] = "1"
    use_apt_sources(machine, "")
    machine.program("uv", 'case $1 in --version) echo uv 0;; *) echo "no route" >&2; exit 2;; esac')
    return machine


@dataclass
class Mirror:
    """A distribution's mirror on the loopback interface, and the apt that knows it alone."""

    root: Path
    address: str

    def offer(self, path: str, content: bytes) -> str:
        """Serve ``content`` under ``path``; return its sha256."""
        target = self.root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content)
        return hashlib.sha256(content).hexdigest()


@pytest.fixture
def mirror(tmp_path: Path, machine: Machine) -> Iterator[Mirror]:
    if not Path("/usr/lib/apt/apt-helper").exists():
        pytest.skip("no apt on this machine")
    root = tmp_path / "mirror"
    root.mkdir()
    handler = functools.partial(_Quiet, directory=str(root))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        address = f"http://127.0.0.1:{server.server_address[1]}/debian"
        use_apt_sources(machine, f"deb [trusted=yes] {address} stable main\n")
        yield Mirror(root / "debian", address)
        server.shutdown()


class _Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 -- the base's name
        pass


def use_apt_sources(machine: Machine, sources: str, name: str = "test.list") -> None:
    """Let the machine's apt know these sources and no others."""
    parts = machine.home / "sources.d"
    parts.mkdir(exist_ok=True)
    (parts / name).write_text(sources)
    state = machine.home / "apt"
    (state / "lists" / "partial").mkdir(parents=True, exist_ok=True)
    config = machine.home / "apt.conf"
    config.write_text(
        f'Dir::Etc::sourcelist "/dev/null";\nDir::Etc::sourceparts "{parts}";\n'
        # The real machine's lists and packages stay out of it, whoever runs the test.
        f'Dir::State "{state}";\nDir::Cache "{state}";\n'
        'Acquire::http::Proxy "DIRECT";\n'
    )
    machine.env["APT_CONFIG"] = str(config)


_CONFIGURE = """#!/bin/sh
echo "checking for a stub: module _ssl... $SSL"
echo built >> "$HOME/builds"
case "$*" in *--disable-gil*) name=python3.14t;; *) name=python3.14;; esac
for word; do case $word in --prefix=*) prefix=${word#--prefix=};; esac; done
cat > program <<'END'
#!/bin/sh
case $0 in *t) exec "@PYTHON@" "$@";; esac
echo '[[3, 14, 7], false, "/with-gil"]'
END
chmod +x program
cat > Makefile <<END
all:
\t@echo cc -c stub.c; sleep $BUILD_SECONDS
install:
\t@mkdir -p \\$(DESTDIR)$prefix/bin
\t@cp program \\$(DESTDIR)$prefix/bin/$name
\t@$AFTER_INSTALL
END
"""


@pytest.fixture
def stub_cpython(machine: Machine) -> bytes:
    """A source tree as CPython's looks from outside, which builds in no time.

    ``make install`` yields a python3.14t that is the one this test runs on, or a python3.14
    that says of itself that it has the GIL. The machine gets a compiler that finds every header.
    """
    if not sysconfig.get_config_var("Py_GIL_DISABLED"):
        pytest.skip("needs a free-threaded Python to stand in for the one built")
    machine.program("cc", "exit 0")
    machine.env |= {"SSL": "yes", "BUILD_SECONDS": "0", "AFTER_INSTALL": "true"}
    script = _CONFIGURE.replace("@PYTHON@", sys.executable).encode()
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w:xz") as tar:
        member = tarfile.TarInfo("Python-3.14.7/configure")
        member.size, member.mode = len(script), 0o755
        tar.addfile(member, io.BytesIO(script))
    return archive.getvalue()


def builds(machine: Machine) -> int:
    """How often the stub has been configured."""
    record = machine.home / "builds"
    return len(record.read_text().splitlines()) if record.exists() else 0
