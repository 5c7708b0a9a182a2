"""R20: the process asked to end under load, killed and started again, and left alone by it."""

import http.client
import json
import os
import signal
import threading
import time
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from benchmarks.servers import free_port
from service.settings import Settings
from tests.faults.figures import Figures
from tests.faults.length import Length
from tests.faults.load import Load
from tests.faults.serving import await_ready, served
from tests.features.shelves import until
from tests.stores import Store

CLIENTS = 8
TICKS_PER_S = os.sysconf("SC_CLK_TCK")


def ask_until_refused(url: str, answered: list[int], dropped: list[str]) -> None:
    """Post one request after the other; end when connections are refused."""
    address = urlsplit(url)
    body = json.dumps({"user_id": "196", "limit": 5})
    connection: http.client.HTTPConnection | None = None
    while True:
        if connection is None:
            connection = http.client.HTTPConnection(
                address.hostname or "", address.port, timeout=30
            )
            try:
                connection.connect()
            except ConnectionRefusedError:
                return
        try:
            connection.request(
                "POST", "/v1/recommendations", body, {"content-type": "application/json"}
            )
            response = connection.getresponse()
            response.read()
            answered.append(response.status)
        except (OSError, http.client.HTTPException) as fault:
            dropped.append(repr(fault))
            return
        if response.will_close:
            connection.close()
            connection = None


@pytest.mark.fault("R20", "SIGTERM under load")
def test_sigterm_under_load_drops_no_accepted_request(
    artifacts: Path, filled: Store, figures: Figures, length: Length
) -> None:
    answered, dropped, drains = list[int](), list[str](), list[float]()
    for _ in range(length.pick(short=1, ci=4, full=20)):
        before = len(answered)
        with served(artifacts, "--redis", filled.url) as (service, url):
            clients = [
                threading.Thread(target=ask_until_refused, args=(url, answered, dropped))
                for _ in range(CLIENTS)
            ]
            for client in clients:
                client.start()
            while len(answered) < before + 100:
                time.sleep(0.01)
            asked = time.monotonic()
            service.send_signal(signal.SIGTERM)
            assert service.wait(timeout=30) == 0
            drains.append(time.monotonic() - asked)
            for client in clients:
                client.join()
    figures.note("answers", len(answered))
    figures.hold("requests dropped", len(dropped), equal=0)
    # Where a core is scarce some are turned away, as at any other time.
    figures.hold("answers that are no 200, 429 or 503", sum(map(odd, answered)), equal=0)
    figures.hold("drained in, at most", max(drains), at_most=Settings().drain_s, unit="s")


def odd(status: int) -> bool:
    return status not in (200, 429, 503)


@pytest.mark.fault("R20", "SIGKILL under load, and restart")
def test_a_killed_service_is_ready_again_within_two_seconds(
    artifacts: Path, filled: Store, figures: Figures, length: Length
) -> None:
    port = free_port()
    flags = ("--redis", filled.url, "--port", str(port))
    took, cpu = list[float](), list[float]()
    figures.note("load of the machine as it begins", round(os.getloadavg()[0], 1))
    for _ in range(1 + length.pick(short=1, ci=5, full=20)):
        started = time.monotonic()
        # Its address is printed before it is asked, so the wait for that is a part.
        with served(artifacts, *flags) as (service, url):
            await_ready(port)
            took.append(time.monotonic() - started)
            cpu.append(cpu_s(service.pid))
            with Load(url) as load:
                time.sleep(0.3)
                service.kill()
                service.wait()
            assert any(answer.status == 200 for answer in load.answers)
    # The first one compiles what the others find.
    figures.note("ready after, median", sorted(took[1:])[len(took) // 2 - 1], "s")
    figures.hold("CPU until ready, at least", min(cpu[1:]), at_most=2.0, unit="s")
    if length.name != "short":  # the tests run on machines that have other things to do
        figures.hold("ready after, at least", min(took[1:]), at_most=2.0, unit="s")


def cpu_s(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS_PER_S


@pytest.mark.fault("R20", "SIGKILL of a service with a store of its own")
def test_a_killed_service_leaves_no_valkey_behind(artifacts: Path, figures: Figures) -> None:
    with served(artifacts) as (service, _):
        servers = descendants(service.pid)
        assert len(servers) >= 2, "the watcher and the server"
        service.kill()
        service.wait()
        until(lambda: not any(alive(pid) for pid in servers), 10)
        figures.hold("processes left", sum(map(alive, servers)), equal=0)


def alive(pid: int) -> bool:
    """Tell whether a process runs; a zombie, whose parent has not looked yet, does not."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2].split()[0]
    except OSError:
        return False
    return state != "Z"


def descendants(ancestor: int) -> list[int]:
    """Return the processes that descend from one, by way of /proc."""
    parents: dict[int, int] = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            parents[int(stat.parent.name)] = int(stat.read_text().rpartition(") ")[2].split()[1])
        except OSError:
            continue
    found = [ancestor]
    for process in found:
        found += [child for child, parent in parents.items() if parent == process]
    return found[1:]
