"""Services that trace, and whoever receives their spans."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from service.app import Service
from service.embedded import EmbeddedValkey
from service.running import running
from service.settings import Settings
from tests.service.conftest import QUIET, Client
from tests.service.trace.collector import Receiver

type Start = Callable[..., Any]


@pytest.fixture(scope="module")
def start(artifacts: Path, filled: EmbeddedValkey, patient: Path) -> Start:
    """Start a service with settings of one's own; it stops with the block."""

    @contextmanager
    def start(**own: Any) -> Iterator[tuple[Service, Client]]:
        given: dict[str, Any] = {
            "artifact": artifacts,
            "redis": filled.url,
            "surfaces": patient,
            "port": 0,
            "loops": 1,
            "fetch_budget_ms": 5000,
            "write_budget_ms": 30_000,
            "longest_wait_ms": 5000,
            "slow_ms": 0,
            "log_sample": 0.0,
        }
        with running(Settings(**{**given, **own}), QUIET) as service:
            client = Client(service.url)
            try:
                yield service, client
            finally:
                client.close()

    return start


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver() as receiver:
        yield receiver


@pytest.fixture(scope="module")
def shared() -> Iterator[Receiver]:
    with Receiver() as receiver:
        yield receiver


@pytest.fixture(scope="module")
def all_traced(start: Start, shared: Receiver) -> Iterator[tuple[Service, Client]]:
    """A service whose every request is traced; it reads every row from the store."""
    with start(traces=shared.url, trace_sample=1.0, near_cache_mib=0, log_users="id") as found:
        yield found


@pytest.fixture(scope="module")
def none_traced(start: Start, shared: Receiver) -> Iterator[tuple[Service, Client]]:
    """A service that traces whom it is told to, and those that fail."""
    with start(traces=shared.url, trace_sample=0.0) as found:
        yield found
