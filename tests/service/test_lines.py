"""The log of a process: what its lines say, and that nobody waits for them."""

import json
import logging
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from service.http.wire import Coverage, RecommendationRequest, SlateAnswer
from service.logs import lines as module
from service.logs.lines import Lines
from service.logs.render import renderer
from service.logs.wide import Wide, WideLog
from service.observe.asker import Told
from service.observe.ended import Ended
from service.observe.link import Link
from service.observe.spans import Trace
from tests.service.trace.collector import until

REQUEST = "0192f3a4b5c6d7e8f90a1b2c3d4e5f60"


@contextmanager
def writing(descriptor: int) -> Iterator[tuple[Lines, logging.Logger]]:
    handler = Lines(renderer(for_people=False), descriptor)
    logger = logging.Logger("braid.test", logging.INFO)
    logger.addHandler(handler)
    handler.start()
    try:
        yield handler, logger
    finally:
        handler.stop()


def written(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def ended(status: int = 200, answer: object = None) -> Ended:
    trace = Trace()
    with trace.span("context"), trace.read("context"):
        pass
    with trace.span("score"):
        pass
    with trace.span("score"):
        pass
    trace.degrade("features", "store_down")
    trace.caller, trace.near, trace.threads = "shop", (7, 3), 2
    trace.link = Link("a" * 32, "b" * 16, None, sampled=True)
    asked = RecommendationRequest(user_id="u-1")
    return Ended(REQUEST, "POST", "/v1/rank", status, 2_345_678, trace, asked, answer)


@pytest.fixture
def file(tmp_path: Path) -> Iterator[tuple[Path, int]]:
    path = tmp_path / "lines"
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT)
    yield path, descriptor
    os.close(descriptor)


def test_a_wide_event_says_all_there_is_about_a_request() -> None:
    slate = SlateAnswer(REQUEST, "v7", "home", "b", [], [], Coverage(0.5, 1.0))
    words = Wide(ended(answer=slate), Told("hash")).words()
    assert words["ms"] == 2.346
    assert list(words["stages"]) == ["context", "score"]
    assert 0 <= words["reads_ms"] <= words["stages"]["context"]
    told = {
        "request_id": REQUEST,
        "trace_id": "a" * 32,
        "route": "/v1/rank",
        "status": 200,
        "caller": "shop",
        "degraded": ["features: store_down"],
        "near_hits": 7,
        "near_misses": 3,
        "threads": 2,
        "surface": "home",
        "variant": "b",
        "model_version": "v7",
        "items": 0,
        "features_covered": 0.5,
        "scored": 1.0,
    }
    assert words | told == words


@pytest.mark.parametrize(
    ("how", "told"),
    [("id", {"user_id"}), ("hash", {"user_hash"}), ("none", set())],
)
def test_of_who_asked_the_setting_says_what_is_told(how: Any, told: set[str]) -> None:
    words = Wide(ended(), Told(how)).words()
    assert words.keys() & {"user_id", "user_hash"} == told
    assert ("u-1" in json.dumps(words)) == (how == "id")


def test_records_and_requests_are_lines_of_one_kind(file: tuple[Path, int]) -> None:
    path, descriptor = file
    with writing(descriptor) as (handler, logger):
        logger.warning("%s is late by %d ms", "own", 3)
        try:
            raise ZeroDivisionError
        except ZeroDivisionError:
            logger.exception("request failed")
        logger.handle(WideLog.record(ended(), Told("none")))
    first, second, third = written(path)
    assert first["event"] == "own is late by 3 ms"
    assert (first["level"], first["logger"]) == ("warning", "braid.test")
    assert first["timestamp"].endswith("Z")
    assert "ZeroDivisionError" in second["exception"]
    assert (third["event"], third["request_id"]) == ("request", REQUEST)
    assert (handler.written, handler.dropped) == (3, 0)


def test_a_line_is_one_whatever_is_logged(file: tuple[Path, int]) -> None:
    path, descriptor = file
    with writing(descriptor) as (_, logger):
        logger.warning('forged\n{"event": "login"}\x00\ud800 \x1b[2J')
        logger.warning("two")
    assert [line["event"] for line in written(path)][1:] == ["two"]
    assert "\x1b" not in path.read_text()


def test_people_get_a_line_without_json() -> None:
    record = logging.LogRecord("braid", logging.WARNING, "", 0, "late by %d", (3,), None)
    text = renderer(for_people=True).format(record)
    assert "late by 3" in text
    assert "{" not in text


def test_a_blocked_pipe_drops_lines_and_holds_nobody_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_HELD", 50)
    monkeypatch.setattr(module, "FLUSH_S", 60)
    reader, writer = os.pipe()
    with writing(writer) as (handler, logger):
        for _ in range(400):
            logger.warning("x" * 1000)  # a pipe holds 64 KiB, and nobody reads
        assert handler.refused
        rest = threading.Thread(target=_drain, args=(reader,))
        rest.start()
    os.close(writer)
    rest.join()
    assert handler.lost == 0
    assert handler.written + handler.refused == 400


def _drain(reader: int) -> None:
    while os.read(reader, 65536):
        pass
    os.close(reader)


def test_a_full_disk_is_counted_and_forgotten() -> None:
    descriptor = os.open("/dev/full", os.O_WRONLY)
    with writing(descriptor) as (handler, logger):
        for _ in range(10):
            logger.warning("x")
        until(lambda: handler.lost == 10)
    os.close(descriptor)
    assert (handler.written, handler.dropped) == (0, 10)


def test_every_record_of_many_threads_is_written_or_counted(
    file: tuple[Path, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MOST_HELD", 300)
    path, descriptor = file
    start = threading.Barrier(8)

    def log(logger: logging.Logger) -> None:
        start.wait()
        for index in range(250):
            logger.info("%d", index)

    with writing(descriptor) as (handler, logger):
        threads = [threading.Thread(target=log, args=(logger,)) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert handler.written + handler.dropped == 2000
    assert len(written(path)) == handler.written


@pytest.mark.parametrize("share", [0.0, 1.0])
def test_a_log_takes_its_share(share: float) -> None:
    assert WideLog(share, Told("none")).sample.has(REQUEST) == bool(share)


def heard(make: Callable[[], None], caplog: pytest.LogCaptureFixture) -> list[logging.LogRecord]:
    caplog.clear()
    make()
    return [one for one in caplog.records if one.name == "braid.requests"]


def test_who_embeds_the_service_gets_records_of_its_own_logging(
    caplog: pytest.LogCaptureFixture,
) -> None:
    wide = WideLog(1.0, Told("none"))
    [good] = heard(lambda: wide.note(ended()), caplog)
    [bad] = heard(lambda: wide.note(ended(500)), caplog)
    assert (good.levelname, bad.levelname) == ("INFO", "ERROR")
