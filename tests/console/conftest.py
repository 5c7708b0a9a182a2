"""A service with two models, keys for nobody, and a real Chromium to look at it.

The browser's environment has none of the project's packages, and the project's has no browser:
under the project's own pytest nothing here is collected.
"""

import json
import os
import shutil
import signal
import subprocess
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
BRAID = (str(ROOT / ".venv" / "bin" / "python"), "-m", "service.cli")
SCREENSHOTS = HERE / "screenshots"
SIZES = {"wide": (1440, 1000), "narrow": (390, 844)}
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
SURFACES = """
[surfaces.home.experiment]
salt = "shorter-and-plainer"

[surfaces.home.experiment.variants.plain]
share = 0.5
settings = { rerank = { diversity = 0.0 }, limit = 5 }
"""

if find_spec("playwright") is None:
    collect_ignore_glob = ["test_*.py"]


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--update", action="store_true", help="take the pictures for right")
    parser.addoption("--full", action="store_true", help="watch for leaks for two minutes")


@dataclass(frozen=True)
class Braid:
    """A running service."""

    url: str

    def ask(self, path: str, body: Any = None) -> Any:
        """Return the JSON of an answer."""
        raw = None if body is None else json.dumps(body).encode()
        headers = {"content-type": "application/json"}
        request = urllib.request.Request(self.url + path, raw, headers)
        with urllib.request.urlopen(request, timeout=30) as answer:
            return json.load(answer)

    def ready(self) -> bool:
        """Tell whether it is."""
        try:
            return bool(self.ask("/health/ready")["ready"])
        except OSError:
            return False


@pytest.fixture(scope="session")
def artifacts(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("artifacts")
    for seed in ("1", "2"):
        subprocess.run((*BRAID, "train", "--out", folder, "--seed", seed), cwd=ROOT, check=True)
    return folder


@pytest.fixture(scope="session")
def braid(artifacts: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Braid]:
    surfaces = tmp_path_factory.mktemp("braid") / "surfaces.toml"
    surfaces.write_text(SURFACES)
    with serving("--artifact", artifacts, "--surfaces", surfaces) as found:
        yield found


@contextmanager
def serving(*flags: str | Path) -> Iterator[Braid]:
    """Run a service on a port of its own until the end of the context."""
    port = str(_free_port())
    quiet = ("--slow-ms", "0", "--log-sample", "0")  # what a test prints is what is wrong
    command = (*BRAID, "serve", "--port", port, *quiet, *map(str, flags))
    with subprocess.Popen(command, cwd=ROOT) as process:
        found = Braid(f"http://127.0.0.1:{port}")
        try:
            latest = time.monotonic() + 300  # the first start of a clone compiles
            while not found.ready():
                assert process.poll() is None, "braid serve ended; what it said stands above"
                assert time.monotonic() < latest, "braid serve did not become ready"
                time.sleep(0.1)
            yield found
        finally:
            process.send_signal(signal.SIGTERM)


def until(page: Any, expression: str, timeout_s: float = 20) -> None:
    """Wait until an expression of the page is true.

    Not by `wait_for_function`, which asks again by `eval`: the page's own policy forbids that.
    """
    latest = time.monotonic() + timeout_s
    while not page.evaluate(expression):
        assert time.monotonic() < latest, f"not within {timeout_s:g} s: {expression}"
        page.wait_for_timeout(50)


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    from playwright.sync_api import sync_playwright

    wanted = os.environ.get("BRAID_CHROMIUM")
    path = wanted or next(filter(None, map(shutil.which, BROWSERS)), None)
    if path is None:
        pytest.fail("no Chromium: apt-get install chromium, or name one in BRAID_CHROMIUM")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def page(browser: Any, braid: Braid) -> Iterator[Any]:
    """A wide, light page on the view that asks; whatever it complains of fails the test."""
    with opened(browser, braid, "light", (1440, 1000)) as page:
        yield page


class opened:  # noqa: N801  used as a function
    """A page that has its first slate, or what else comes ``first``; nothing may be amiss in it."""

    def __init__(
        self,
        browser: Any,
        braid: Braid,
        colours: str,
        size: tuple[int, int],
        before: Callable[[Any], None] | None = None,
        first: str = ".card",
    ) -> None:
        width, height = size
        self._before = before
        self._first = first
        self._context = browser.new_context(
            color_scheme=colours,
            viewport={"width": width, "height": height},
            reduced_motion="reduce",
            locale="en-GB",
            timezone_id="UTC",
        )
        self._url = braid.url
        self._complaints: list[str] = []

    def __enter__(self) -> Any:
        page = self._context.new_page()
        page.set_default_timeout(60_000)
        page.on("pageerror", lambda fault: self._complaints.append(str(fault)))
        page.on("console", self._note)
        page.on("request", self._look)
        if self._before is not None:
            self._before(page)
        page.goto(self._url)
        page.wait_for_selector(self._first)
        page.allow = self.allow
        return page

    def __exit__(self, kind: object, *_: object) -> None:
        self._context.close()
        if kind is None:
            assert not self._complaints

    def allow(self, words: str) -> None:
        """Take back what was complained of, where a test has provoked it."""
        self._complaints[:] = [one for one in self._complaints if words not in one]

    def _note(self, message: Any) -> None:
        if message.type in ("error", "warning"):
            self._complaints.append(message.text)

    def _look(self, request: Any) -> None:
        if not request.url.startswith((self._url, "data:", "blob:")):
            self._complaints.append(f"loaded from elsewhere: {request.url}")


def _free_port() -> int:
    import socket

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
