"""A service that traces all there is, and whoever receives its spans."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from service.app import Service
from service.embedded import EmbeddedValkey
from service.running import running
from service.settings import Settings
from tests.service.conftest import QUIET, Client
from tests.service.trace.collector import Receiver

type Start = Callable[..., tuple[Service, Client]]


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver() as receiver:
        yield receiver


@pytest.fixture
def start(artifacts: Path, filled: EmbeddedValkey, patient: Path) -> Iterator[Start]:
    """Start services with settings of one's own, and stop them afterwards."""
    with ExitStack() as stack:

        def start(**own: Any) -> tuple[Service, Client]:
            given: dict[str, Any] = {
                "artifact": artifacts,
                "redis": filled.url,
                "surfaces": patient,
                "port": 0,
                "loops": 1,
                "fetch_budget_ms": 5000,
                "longest_wait_ms": 5000,
                "slow_ms": 0,
                "log_sample": 0.0,
            }
            service = stack.enter_context(running(Settings(**{**given, **own}), QUIET))
            client = Client(service.url)
            stack.callback(client.close)
            return service, client

        yield start
