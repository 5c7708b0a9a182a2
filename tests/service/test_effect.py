"""An event on one process, its effect on the other: `benchmarks.effect`, hundreds of rounds."""

from contextlib import ExitStack
from pathlib import Path

import pytest

from benchmarks import client, servers
from benchmarks.effect import RECOMMEND, at_a_time
from tests.stores import Store


@pytest.mark.slow
def test_event_changes_the_next_request_on_another_process_without_a_miss(
    artifacts: Path, filled: Store, tmp_path: Path
) -> None:
    probe = client.post(RECOMMEND, b'{"user_id": "anybody", "limit": 3}')
    with ExitStack() as stack:
        two = []
        for name in ("one", "two"):
            port = servers.free_port()
            # A budget that a busy test machine keeps.
            flags = ["--redis", filled.url, "--fetch-budget-ms", "5000"]
            command = servers.braid(port, *flags, "--artifact", str(artifacts))
            served = servers.serving(name, command, port, probe, tmp_path / f"{name}.log")
            two.append(stack.enter_context(served))
        found = at_a_time(two, 3, 600, "effect")
    assert (found["rounds"], found["misses"], found["degraded"]) == (600, 0, 0)
