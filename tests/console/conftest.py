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
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
PYTHON = ROOT / ".venv" / "bin" / "python"
SCREENSHOTS = HERE / "screenshots"
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
SURFACES = """
[surfaces.home.experiment]
salt = "shorter-and-plainer"

[surfaces.home.experiment.variants.plain]
share = 0.5
settings = { rerank = { diversity = 0.0 }, limit = 5 }
"""

if find_spec("playwright") is None:
    collect_ignore = ["test_console.py", "test_screens.py"]


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
def braid(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Braid]:
    folder = tmp_path_factory.mktemp("braid")
    surfaces = folder / "surfaces.toml"
    surfaces.write_text(SURFACES)
    artifacts = folder / "artifacts"
    for seed in ("1", "2"):
        train = (PYTHON, "-m", "service.cli", "train", "--out", artifacts, "--seed", seed)
        subprocess.run(train, cwd=ROOT, check=True)
    port = _free_port()
    serve = ("serve", "--artifact", artifacts, "--surfaces", surfaces, "--port", str(port))
    with subprocess.Popen((PYTHON, "-m", "service.cli", *serve), cwd=ROOT) as process:
        braid = Braid(f"http://127.0.0.1:{port}")
        try:
            latest = time.monotonic() + 300  # the first start of a clone compiles
            while not braid.ready():
                assert process.poll() is None, "braid serve ended; what it said stands above"
                assert time.monotonic() < latest, "braid serve did not become ready"
                time.sleep(0.1)
            yield braid
        finally:
            process.send_signal(signal.SIGTERM)


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
    """A page that has its first slate; at the end nothing may have been complained of."""

    def __init__(self, browser: Any, braid: Braid, colours: str, size: tuple[int, int]) -> None:
        width, height = size
        self._context = browser.new_context(
            color_scheme=colours,
            viewport={"width": width, "height": height},
            reduced_motion="reduce",
            locale="en-GB",
        )
        self._url = braid.url
        self._complaints: list[str] = []

    def __enter__(self) -> Any:
        page = self._context.new_page()
        page.set_default_timeout(15_000)
        page.on("pageerror", lambda fault: self._complaints.append(str(fault)))
        page.on("console", self._note)
        page.on("request", self._look)
        page.goto(self._url)
        page.wait_for_selector(".card")
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
