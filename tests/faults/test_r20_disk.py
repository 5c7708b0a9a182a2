"""R20: the disk is full, for the log, for the audit log, for a new artifact."""

import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from benchmarks.servers import ROOT
from service.artifacts import locate
from tests.faults.figures import Figures
from tests.faults.serving import SERVE, served
from tests.service.conftest import Client
from tests.stores import Store

# No file may grow beyond 8 blocks of 512 bytes: a write fails as it does on a full disk.
FULL = ("/bin/sh", "-c", 'ulimit -f 8; exec "$@"', "sh")
ROOM_BYTES = 4096
NOISY = "tests.faults.noisy_scorer:score"


@pytest.mark.fault("R20", "the disk is full for the log and the audit log")
def test_a_full_disk_costs_lines_not_answers(
    artifacts: Path, filled: Store, tmp_path: Path, figures: Figures
) -> None:
    audit, log = tmp_path / "audit.log", tmp_path / "stderr.log"
    flags = ("--redis", filled.url, "--scorer", NOISY, "--audit", str(audit))
    with (
        log.open("wb") as stderr,
        served(artifacts, *flags, program=(*FULL, *SERVE), stderr=stderr) as (service, url),
        closing(Client(url)) as client,
    ):
        # Each answer of 500 is a trace in the log, each change of the model a line of audit.
        for number in range(100):
            fails = client.post("/v1/recommendations", {"user_id": "196"})
            assert fails.status == 500
            event = {"user_id": "196", "item_id": "50", "event_id": f"disk-{number}"}
            assert client.post("/v1/events", {"events": [event]}).status == 200
            assert client.post("/v1/models/rollback", {}).status == 409
        figures.hold("live", client.get("/health/live").status, equal=200)
        figures.hold("ready", client.get("/health/ready").status, equal=200)
        figures.hold(
            "bytes of the log, all there was room for", log.stat().st_size, equal=ROOM_BYTES
        )
        figures.hold("bytes of the audit log", audit.stat().st_size, at_most=ROOM_BYTES)
        page = client.get("/metrics").body.decode()
        lost = next(line for line in page.splitlines() if 'lines_total{outcome="dropped"}' in line)
        figures.hold("lines of audit lost, and counted", float(lost.split()[1]), at_least=1)
        service.terminate()
        figures.hold("ended by SIGTERM with", service.wait(timeout=30), equal=0)


@pytest.mark.fault("R20", "the disk is full for a new artifact")
def test_an_artifact_that_found_no_room_is_no_artifact(tmp_path: Path, figures: Figures) -> None:
    folder = tmp_path / "artifacts"
    publish = "import pathlib, sys; from tests.service.models import publish; "
    publish += "publish(pathlib.Path(sys.argv[1]), world='x')"
    command = [sys.executable, "-c", publish, str(folder)]
    subprocess.run(command, cwd=ROOT, check=True)
    before = locate(folder)
    full = subprocess.run([*FULL, *command], cwd=ROOT, check=False, capture_output=True, text=True)
    assert "File too large" in full.stderr, full.stderr
    figures.hold("versions that can be served", len([locate(folder)]), equal=1)
    assert locate(folder) == before
    left = [entry.name for entry in folder.iterdir() if entry != before]
    figures.hold("left behind", ", ".join(left), equal="")
