"""R17: a scorer raises, hangs, or answers with what is none; others do not notice."""

import json
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from service.app import Service
from service.running import running
from service.settings import Settings
from tests.faults.bad_scorers import SLEEP_S
from tests.faults.figures import Figures
from tests.faults.length import Length
from tests.features.shelves import until
from tests.service.conftest import QUIET, Client
from tests.stores import Store

DEADLINE_MS = 200
MODULE = "tests.faults.bad_scorers"
BAD = ("raises", "too_few", "words", "an_array", "half_nan", "loops", "sleeps", "counts")

SURFACES = (
    "[surfaces.good]\ndeadline_ms = 10000\n"
    + "".join(
        f'[surfaces.{name}.scoring]\nobjectives = {{ "{MODULE}:{name}" = 1.0 }}\n' for name in BAD
    )
    + f"""
[surfaces.source.sources]
popularity.quota = 200
own = {{ function = "{MODULE}:loops_as_source", quota = 5 }}
[surfaces.reranker]
rerank.function = "{MODULE}:loops_as_reranker"
"""
)

pytestmark = pytest.mark.fault("R17", "scorer raises, hangs, or gives a wrong length")


@pytest.fixture(scope="module")
def service(
    artifacts: Path, filled: Store, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Service]:
    file = tmp_path_factory.mktemp("r17") / "surfaces.toml"
    file.write_text(SURFACES)
    settings = Settings(
        artifact=artifacts,
        redis=filled.url,
        port=0,
        loops=2,
        crew=1,
        fetch_budget_ms=5000,
        surfaces=file,
    )
    with running(settings, QUIET) as service:
        yield service


class Others:
    """Clients that ask for what is in order, all the while; each on a connection of its own."""

    def __init__(self, url: str, count: int = 2) -> None:
        self.took_ms: list[float] = []
        self.wrong: list[Any] = []
        self._url = url
        self._ended = threading.Event()
        self._threads = [threading.Thread(target=self._ask) for _ in range(count)]

    def __enter__(self) -> Others:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        for thread in self._threads:
            thread.join()

    def _ask(self) -> None:
        client = Client(self._url)
        while not self._ended.is_set():
            began = time.perf_counter()
            reply = client.post("/v1/recommendations", {"user_id": "196", "surface": "good"})
            self.took_ms.append((time.perf_counter() - began) * 1e3)
            if reply.status != 200 or len(reply.ids) != 20 or reply.json["degraded"]:
                self.wrong.append((reply.status, reply.body[:300]))
            time.sleep(0.002)
        client.close()


def ask(client: Client, surface: str) -> tuple[int, dict[str, Any], float]:
    """Return status, answer, and by how many milliseconds it missed its deadline."""
    body = json.dumps({"user_id": "7", "surface": surface, "deadline_ms": DEADLINE_MS}).encode()
    began = time.perf_counter()
    reply = client.send("POST", "/v1/recommendations", body)
    late_ms = (time.perf_counter() - began) * 1e3 - DEADLINE_MS
    return reply.status, reply.json, late_ms


def notes(answer: dict[str, Any]) -> set[tuple[str, str]]:
    return {(note["stage"], note["reason"]) for note in answer["degraded"]}


def times(length: Length) -> int:
    return length.pick(short=5, ci=50, full=500)


@pytest.mark.parametrize("surface", ["raises", "too_few", "words", "an_array"])
def test_a_scorer_that_raises_or_answers_wrongly_costs_its_own_request(
    service: Service, figures: Figures, length: Length, surface: str
) -> None:
    client, statuses = Client(service.url), list[int]()
    with Others(service.url) as others:
        for _ in range(times(length)):
            status, problem, _ = ask(client, surface)
            statuses.append(status)
            assert "request_id" in problem
            assert "Traceback" not in json.dumps(problem)
    client.close()
    figures.hold(f"{surface}: answered 500", statuses.count(500) / len(statuses), equal=1.0)
    figures.hold(f"{surface}: answers of others that are not whole", len(others.wrong), equal=0)


def test_scores_that_are_none_earn_no_place(
    service: Service, figures: Figures, length: Length
) -> None:
    client, ids = Client(service.url), list[int]()
    for _ in range(times(length)):
        status, answer, _ = ask(client, "half_nan")
        assert status == 200
        ids.append(len(answer["items"]))
        assert all(np.isfinite(item["score"]) for item in answer["items"])
    client.close()
    figures.hold("half NaN: places filled, least", min(ids), at_least=20)


@pytest.mark.parametrize(
    ("surface", "note"),
    [
        ("loops", ("score", "deadline")),
        ("source", ("retrieve", "source_late:own")),
        ("reranker", ("rerank", "deadline")),
    ],
)
def test_python_that_never_ends_is_struck_and_the_best_slate_so_far_goes_out(
    service: Service,
    figures: Figures,
    length: Length,
    surface: str,
    note: tuple[str, str],
) -> None:
    client, late_ms = Client(service.url), list[float]()
    with Others(service.url) as others:
        for _ in range(times(length)):
            status, answer, late = ask(client, surface)
            assert (status, len(answer["items"])) == (200, 20)
            assert note in notes(answer)
            assert surface != "loops" or answer["coverage"]["scored"] == 0.0
            late_ms.append(late)
    client.close()
    figures.hold(f"{surface}: beyond the deadline, p99", _p99(late_ms), at_most=10, unit="ms")
    figures.hold(f"{surface}: answers of others that are not whole", len(others.wrong), equal=0)
    figures.note(f"{surface}: answers of others, p99", _p99(others.took_ms), unit="ms")


@pytest.mark.parametrize("surface", ["sleeps", "counts"])
def test_code_that_cannot_be_struck_holds_one_loop_up_once_and_is_called_aside_from_then_on(
    service: Service, figures: Figures, length: Length, surface: str
) -> None:
    client = Client(service.url)
    status, answer, first_ms = ask(client, surface)
    assert status == 200
    assert len(answer["items"]) == 20
    figures.note(f"{surface}: first answer, beyond the deadline", first_ms, unit="ms")
    late_ms, seen = list[float](), set[tuple[str, str]]()
    with Others(service.url) as others:
        for _ in range(times(length)):
            status, answer, late = ask(client, surface)
            assert (status, len(answer["items"])) == (200, 20)
            assert answer["coverage"]["scored"] == 0.0
            seen |= notes(answer)
            late_ms.append(late)
    client.close()
    assert ("score", "deadline") in seen or ("score", "scorer_busy") in seen
    figures.hold(f"{surface}: later ones, p99", _p99(late_ms), at_most=10, unit="ms")
    figures.hold(f"{surface}: answers of others that are not whole", len(others.wrong), equal=0)
    time.sleep(2 * SLEEP_S)  # for what hangs aside to come back, before the next test


def test_afterwards_every_thread_is_back_and_answers_are_whole(
    service: Service, figures: Figures
) -> None:
    crew, client = service._crew, Client(service.url)
    until(lambda: len(crew.idle) == crew.size == 1, 10)
    assert client.get("/health/live").status == 200
    for _ in range(20):
        assert client.recommend(user_id="7", surface="good").json["degraded"] == []
    client.close()
    figures.hold("helpers that were written off", crew.absent.written_off, at_most=4)


def _p99(values: list[float]) -> float:
    return float(np.percentile(values, 99))
