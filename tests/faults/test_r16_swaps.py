"""R16: models are swapped while 64 clients ask: no answer fails, none is of two models."""

import time
import weakref
from bisect import bisect_left, bisect_right
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from features.trust import Trust
from ranking.artifact import read
from service.running import running
from service.settings import Settings
from service.state import Serving
from tests.faults.figures import Figures
from tests.faults.length import Length
from tests.faults.swapping import (
    PATIENT,
    Clients,
    Operator,
    address,
    filled,
    known,
    replica,
    two_models,
    wishes,
)
from tests.service.conftest import QUIET

CLIENTS = 64
PAUSE_S = 0.1
"""Each client's between two requests: so many without a pause want all of two cores, and a model is
prepared on what they leave."""
QUIET_S = 3.0
"""Before the first swap and after the last, to tell the tail during swaps from the other."""
WARM_SHARE = 0.2
"""Of the swaps: until then memory is still being taken for the first time."""
MOST_GROWTH_MIB = 24.0
"""A model that stayed would take some 2 MiB: of 100 swaps that is 200, and of 1000 it is 2000."""
PATIENCE_S = 20.0


@pytest.mark.fault("R16", "models activated by the whole way, gate and all, while 64 clients ask")
def test_every_answer_is_of_one_model_while_models_are_activated(
    tmp_path: Path, figures: Figures, length: Length
) -> None:
    versions, swaps = two_models(tmp_path), length.pick(short=2, ci=40, full=1000)
    with (
        filled(tmp_path, versions[0]) as redis,
        replica(tmp_path, versions[0], redis) as server,
        Operator(server.address) as operator,
    ):
        answers = known(server.address, wishes())
        assert operator.activate(versions[1])[0] == 200
        answers |= known(server.address, wishes())
        spans, memory = list[tuple[float, float]](), list[float]()
        with Clients(server.address, CLIENTS, answers, PAUSE_S) as load:
            time.sleep(QUIET_S)
            for number in range(swaps):
                began = time.monotonic()
                status, answer = operator.activate(versions[number % 2])
                assert status == 200, answer
                spans.append((began, time.monotonic()))
                memory.append(server.memory_mib()["rss"])
            time.sleep(QUIET_S)
    figures.hold("swaps", len(spans), equal=swaps)
    _judge(load, figures)
    _note_latency(load, spans, figures)
    figures.note("a swap, median", float(np.median(np.diff(spans))) * 1e3, unit="ms")
    grown = memory[-1] - memory[int(WARM_SHARE * swaps)]
    figures.note("memory at the end", memory[-1], unit="MiB")
    figures.hold("memory grown over the last 80 %", grown, at_most=MOST_GROWTH_MIB, unit="MiB")


@pytest.mark.fault("R16", "snapshots published one after the other while 64 clients ask")
def test_every_answer_is_of_one_snapshot_and_each_is_freed_when_its_last_reader_has_left(
    tmp_path: Path, figures: Figures, length: Length
) -> None:
    versions, swaps = two_models(tmp_path), length.pick(short=100, ci=1000, full=1000)
    settings = Settings(artifact=tmp_path / versions[0], port=0, loops=2, crew=1, **PATIENT)
    with running(settings, QUIET) as service:
        state, at = service.state, address(service.url)
        models = [read(tmp_path / version) for version in versions]
        answers = known(at, wishes())
        state.publish(_serving(models[1], state.read()))
        answers |= known(at, wishes())
        parts, most = list[weakref.ref[Any]](), 0
        with Clients(at, CLIENTS, answers, PAUSE_S) as load:
            for number in range(swaps):
                # A snapshot of its own each time: arrays of its own, too.
                serving = _serving(models[number % 2], state.read())
                parts += map(weakref.ref, _parts(serving))
                state.publish(serving)
                del serving
                parts = [part for part in parts if part() is not None]
                most = max(most, len(parts))
        figures.hold("swaps", swaps, equal=swaps)
        _judge(load, figures)
        of_one = len(_parts(state.read()))
        figures.note("snapshots alive at once, at most", most / of_one)
        latest = time.monotonic() + PATIENCE_S
        while sum(part() is not None for part in parts) > of_one and time.monotonic() < latest:
            time.sleep(0.05)
        left = sum(part() is not None for part in parts) / of_one
        figures.hold("snapshots alive in the end", left, equal=1)


def _parts(serving: Serving) -> list[Any]:
    """Return what every snapshot has of its own, that a weak reference can point to."""
    return [serving.snapshot.directions, serving.filters, serving.plans]


def _serving(model: Any, before: Serving) -> Serving:
    """Derive what is served anew, with the near cache of the one before."""
    return Serving.of(replace(model), 0, Trust(), before)


def _judge(load: Clients, figures: Figures) -> None:
    figures.note("answers", load.served.total())
    figures.hold("answers that failed", len(load.failed), equal=0)
    figures.hold("answers that mix two models", len(load.mixed), equal=0)
    figures.hold("models that answered", len(load.served), equal=2)


def _note_latency(load: Clients, spans: list[tuple[float, float]], figures: Figures) -> None:
    """Note the tail of the answers during swaps and of the others (bar B13, on a busy machine)."""
    starts, stops = [start for start, _ in spans], [stop for _, stop in spans]
    during, outside = list[float](), list[float]()
    for asked, there in load.took:
        within = bisect_right(starts, there) > bisect_left(stops, asked)
        (during if within else outside).append((there - asked) * 1e3)
    p99 = [float(np.percentile(part, 99)) for part in (during, outside) if part]
    for name, value in zip(("during swaps", "outside of swaps"), p99, strict=False):
        figures.note(f"p99 {name}", value, unit="ms")
    if len(p99) == 2:
        figures.note("p99 during, of outside", p99[0] / p99[1])
