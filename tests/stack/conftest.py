"""The stack, started once for all tests here."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.service.conftest import patient as patient
from tests.stack.stack import LOCUST, Stack, running_stack

PROGRAMS = ("haproxy", "prometheus", "redis-cli", "redis-server")


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory, patient: Path) -> Iterator[Stack]:
    missing = [program for program in PROGRAMS if shutil.which(program) is None]
    if missing:
        pytest.skip(f"not here: {missing} (apt-get install haproxy prometheus redis-server)")
    if not LOCUST.exists():
        pytest.skip("locust has an environment of its own, which `make stack-test` makes")
    with running_stack(tmp_path_factory.mktemp("stack"), patient) as stack:
        yield stack
