"""What the benchmarks check before they time anything can fail."""

import json
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from benchmarks import crew, http, parallelism, rank, sources, swap
from benchmarks.client import Reply, post
from benchmarks.retrieval import recall
from benchmarks.standard import request, wishes
from benchmarks.world import World, build
from tests.benchmarks.canned import canned

SLATE = [("a", 3.0), ("b", 2.0), ("c", 1.0)]


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    return build(Path(tmp_path_factory.mktemp("world")), items=1200, trees=2)


def encoded(slate: list[tuple[str, float]]) -> bytes:
    return json.dumps({"items": [{"item_id": i, "score": s} for i, s in slate]}).encode()


def test_the_same_slate_differs_by_nothing() -> None:
    assert rank.difference(SLATE, SLATE) == 0


def test_another_item_another_order_or_one_too_few_is_no_equal_slate() -> None:
    for other in ([("a", 3.0), ("b", 2.0), ("x", 1.0)], SLATE[::-1], SLATE[:2]):
        assert rank.difference(other, SLATE) == float("inf")


def test_the_largest_difference_of_a_score_is_told() -> None:
    assert rank.difference([("a", 3.0), ("b", 2.5), ("c", 1.0)], SLATE) == 0.5


def test_w1_accepts_a_contestant_that_answers_like_the_reference(world: World) -> None:
    reference, wanted = rank.Reference(world), wishes(world, 2)
    answers = {json.dumps(wish): encoded(reference(wish)) for wish in wanted}

    def respond(body: bytes) -> tuple[int, bytes]:
        return 200, answers[json.dumps(json.loads(body)["candidates"])]

    with canned(respond) as server:
        assert rank.check([rank.Contestant(server, "")], reference, wanted) == {"canned": 0.0}


@pytest.mark.parametrize("fault", ["score", "order", "status"])
def test_w1_refuses_a_contestant_that_does_not(world: World, fault: str) -> None:
    reference, wanted = rank.Reference(world), wishes(world, 1)
    slate = reference(wanted[0])
    if fault == "score":
        slate[7] = (slate[7][0], slate[7][1] + 1e-4)
    if fault == "order":
        slate[3:5] = slate[4:2:-1]
    answer = (503 if fault == "status" else 200, encoded(slate))
    with canned(lambda _: answer) as server, pytest.raises(AssertionError):
        rank.check([rank.Contestant(server, "")], reference, wanted)


def test_crews_whose_slates_differ_in_one_bit_are_refused() -> None:
    with canned(lambda _: (200, encoded(SLATE))) as one:
        crew.same_answers([one, one], [post("/", b"{}")])
        off = [*SLATE[:2], ("c", 1.0000001)]
        with (
            canned(lambda _: (200, encoded(off))) as other,
            pytest.raises(AssertionError),
        ):
            crew.same_answers([one, other], [post("/", b"{}")])


def test_only_good_answers_are_held_against_the_counters(world: World) -> None:
    statuses = iter([200, 500] * 8)
    with canned(lambda _: (next(statuses), b"{}")) as server:
        sent = http.ask_together(server, [request(wishes(world, 1)[0])], count=16, threads=2)
    assert sent == 8


def test_concurrency_that_gives_another_score_is_refused() -> None:
    ways: dict[str, Callable[[int, float, int], tuple[float, float]]] = {
        "serial": partial(parallelism.timed, sources.serial)
    }
    parallelism._case(ways, 2, 0.0, 0.0, 10, repetitions=1)
    ways["wrong"] = partial(parallelism.timed, lambda *_: 0.0)
    with pytest.raises(AssertionError, match="wrong"):
        parallelism._case(ways, 2, 0.0, 0.0, 10, repetitions=1)


def test_recall_is_the_share_that_was_found() -> None:
    assert recall(np.array([1, 2, 9, 8]), np.array([1, 2, 3, 4])) == 0.5


def test_an_answer_that_mixes_two_models_is_found() -> None:
    one, two = (json.dumps({"request_id": "x", "model_version": v}).encode() for v in "12")
    known = {swap.essence(Reply(200, b"", one)): "1", swap.essence(Reply(200, b"", two)): "2"}
    assert len(known) == 2
    again = one.replace(b'"x"', b'"y"')
    assert known[swap.essence(Reply(200, b"", again))] == "1"
    assert swap.essence(Reply(200, b"", one.replace(b'"1"', b'"3"'))) not in known
