"""R20: the wall clock is set an hour forward and two back while requests run."""

import sys
import time
from contextlib import closing
from pathlib import Path

import pytest

from tests.faults.figures import Figures
from tests.faults.length import Length
from tests.faults.load import Load, late
from tests.faults.serving import served
from tests.faults.stepped import step
from tests.features.shelves import until
from tests.service.conftest import Client
from tests.stores import Store

HOUR_S = 3600.0
DEADLINE_MS = 10_000


@pytest.mark.fault("R20", "the wall clock steps an hour, both ways")
def test_a_step_of_the_clock_changes_no_deadline_no_trust_and_no_readiness(
    artifacts: Path, filled: Store, tmp_path: Path, figures: Figures, length: Length
) -> None:
    clock = tmp_path / "clock"
    step(clock, 0.0)
    # Patience that a busy machine does not use up, and an hour does.
    flags = ("--redis", filled.url, "--fetch-budget-ms", "5000")
    program = (sys.executable, "-m", "tests.faults.stepped", str(clock))
    with (
        served(artifacts, *flags, program=program) as (_, url),
        closing(Client(url)) as client,
    ):
        until(lambda: client.recommend(user_id="196").json["degraded"] == [])
        until(lambda: metric(client, "braid_near_cache_trusted") == 1)
        until(lambda: metric(client, "braid_events_connected") == 1)
        flushes = metric(client, "braid_near_cache_flushes_total")
        loads = metric(client, "braid_counts_loaded_total")
        with Load(url, deadline_ms=DEADLINE_MS) as load:
            for moved_s in (HOUR_S, 0.0, -HOUR_S, 0.0):
                step(clock, moved_s)
                assert client.get("/health/ready").status == 200
                event = {"user_id": "196", "item_id": "50", "event_id": f"clock-{moved_s}"}
                assert client.post("/v1/events", {"events": [event]}).status == 200
                at = int(client.recommend(user_id="196").json["request_id"][:12], 16) / 1e3
                assert abs(at - time.time() - moved_s) < 60, "it does live by that clock"
                time.sleep(length.pick(short=0.4, ci=3.0, full=15.0))
        answers = load.answers
        figures.note("requests", len(answers))
        refused = [answer for answer in answers if answer.status != 200]
        figures.hold("answers that are no 200", len(refused), equal=0)
        figures.hold("degraded answers", sum(bool(a.degraded) for a in answers), equal=0)
        figures.hold("answers later than deadline + 10 ms", late(answers, DEADLINE_MS), equal=0)
        doubts = metric(client, "braid_near_cache_flushes_total") - flushes
        figures.hold("times that the near cache was doubted", doubts, equal=0)
        again = metric(client, "braid_counts_loaded_total") - loads
        figures.hold("times that events were counted anew", again, equal=0)


def metric(client: Client, name: str) -> float:
    """Return the value of a metric without labels."""
    lines = client.get("/metrics").body.decode().splitlines()
    return next(float(line.split()[1]) for line in lines if line.split(" ")[0] == name)
