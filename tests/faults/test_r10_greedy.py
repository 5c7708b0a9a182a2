"""R10: clients that send too much, too slowly, or nothing at all; and what others notice of it."""

import json
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import numpy as np
import pytest

from benchmarks.client import closed_loop
from tests.faults.figures import Figures
from tests.faults.length import Length
from tests.faults.nuisance import LARGE, MILLION, beside, post
from tests.faults.serving import served
from tests.fuzz.smuggling import BODY, LENGTH, POST
from tests.fuzz.wire import Wire

PATIENCE_S = 2
REQUEST = POST + LENGTH + b"\r\n" + BODY
MANY = b'{"candidates":[' + b'"1",' * 200_000 + b'"1"]}'
KIB_PER_MIB = 1024


@dataclass(frozen=True)
class Target:
    url: str
    pid: int

    def rss_mib(self) -> float:
        """Return the memory of the service, without its store's."""
        lines = Path(f"/proc/{self.pid}/status").read_text().splitlines()
        [resident] = [line for line in lines if line.startswith("VmRSS")]
        return int(resident.split()[1]) / KIB_PER_MIB


@pytest.fixture(scope="module")
def target(artifacts: Path) -> Iterator[Target]:
    with served(artifacts, "--patience-s", str(PATIENCE_S)) as (process, url):
        yield Target(url, process.pid)


def status(url: str, request: bytes) -> tuple[int, str]:
    """Return the status and the code of the only answer."""
    with Wire(url) as wire:
        wire.send(request)
        answer = wire.answer()
    assert answer is not None
    return answer.status, json.loads(answer.body)["type"].rpartition(":")[2]


@pytest.mark.fault("R10", "a body of 10 MB, a million candidates, and too many in one MiB")
def test_what_is_too_much_is_told_so(target: Target, figures: Figures) -> None:
    figures.hold("10 MB", status(target.url, post(LARGE))[0], equal=413)
    figures.hold("a million candidates", status(target.url, post(MILLION))[0], equal=413)
    figures.hold("200,001 candidates", status(target.url, post(MANY))[0], equal=422)
    chunks = b"%x\r\n%b\r\n" % (len(LARGE), LARGE)
    chunked = POST + b"transfer-encoding: chunked\r\n\r\n" + chunks + b"0\r\n\r\n"
    figures.hold("10 MB in chunks", status(target.url, chunked)[0], equal=413)
    announced = POST + b"expect: 100-continue\r\ncontent-length: 10000000\r\n\r\n"
    figures.hold("10 MB announced", status(target.url, announced)[0], equal=413)


@pytest.mark.fault("R10", "slow senders: of a head, of a body, of chunks")
@pytest.mark.parametrize(
    "sent",
    [
        POST + b"x: ",
        POST + b"content-length: 1000\r\n\r\n",
        POST + b"transfer-encoding: chunked\r\n\r\n3e8\r\n",
    ],
    ids=["head", "body", "chunks"],
)
def test_a_slow_sender_is_cut_off(target: Target, sent: bytes, figures: Figures) -> None:
    with Wire(target.url) as wire:
        began, stopped = time.monotonic(), threading.Event()
        wire.send(sent)
        dripping = threading.Thread(target=drip, args=(wire, stopped))
        dripping.start()
        answer = wire.answer()
        took_s = time.monotonic() - began
        stopped.set()
        dripping.join()
    assert answer is not None
    figures.hold("status", answer.status, equal=408)
    figures.hold("after", took_s, at_least=PATIENCE_S, at_most=PATIENCE_S + 3, unit="s")


def drip(wire: Wire, stopped: threading.Event) -> None:
    while not stopped.wait(0.2):
        try:
            wire.send(b"a")
        except OSError:
            return


def latencies_ms(url: str, seconds: float) -> list[float]:
    """Ask over one connection for so long; infinite where the answer was not as usual."""
    address = urlsplit(url)
    run = closed_loop((address.hostname or "", address.port or 0), [REQUEST], 1, seconds)
    found: list[float] = (1e3 * run.latencies_s).tolist()
    return found


def compare(target: Target, trouble: tuple[str, ...], figures: Figures, length: Length) -> None:
    """Measure another client's p99 with the trouble and without, in turns, and the memory."""
    seconds, turns = length.pick(short=(1.0, 2), ci=(3.0, 5), full=(10.0, 6))
    latencies_ms(target.url, seconds)
    before_mib, quiet, troubled = target.rss_mib(), list[float](), list[float]()
    most_mib = before_mib
    for _ in range(turns):
        quiet += latencies_ms(target.url, seconds)
        with beside(*trouble):
            troubled += latencies_ms(target.url, seconds)
            most_mib = max(most_mib, target.rss_mib())
    alone, among = np.percentile(quiet, 99), np.percentile(troubled, 99)
    figures.note("p99 without", alone, "ms")
    figures.note("p99 beside it", among, "ms")
    figures.note("p50 ratio", np.median(troubled) / np.median(quiet))
    # With the cores this full, the store may for once not be heard within its milliseconds.
    unusual = float(np.isinf(troubled).mean())
    figures.hold("answers by a fallback or none", unusual, at_most=0.001)
    figures.hold("memory that it takes", most_mib - before_mib, at_most=256, unit="MiB")
    if length.name == "short":  # too short for a p99
        figures.note("p99 ratio", among / alone)
    else:
        figures.hold("p99 ratio", among / alone, at_most=1.2)


@pytest.mark.fault("R10", "others' p99 beside bodies of 10 MB, a million candidates, slow senders")
def test_others_hardly_notice_the_greedy(target: Target, figures: Figures, length: Length) -> None:
    compare(target, ("greedy", target.url), figures, length)


@pytest.mark.fault("R10", "others' p99 beside idle connections")
def test_others_hardly_notice_idle_connections(
    target: Target, figures: Figures, length: Length
) -> None:
    count = length.pick(short=1000, ci=10_000, full=10_000)
    figures.note("idle connections", count)
    compare(target, ("idle", target.url, str(count)), figures, length)
