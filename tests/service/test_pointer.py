"""The pointer in a real Redis: what operators write, what replicas read and report."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from redis import Redis

from features import keys
from service.models.errors import NothingToGoBackTo, PointerUnreachable
from service.models.pointer import GONE_AFTER_S, Pointer, Report, Wanted
from tests.stores import Store


@pytest.fixture
def pointer(valkey: Store, client: Redis) -> Iterator[Pointer]:
    pointer = Pointer(valkey.url)
    yield pointer
    pointer.close()


def test_nothing_is_wanted_before_the_first_activation(pointer: Pointer) -> None:
    assert pointer.read() is None
    assert pointer.report("a", Report("v1")) is None


def test_an_activation_remembers_what_it_replaced(pointer: Pointer) -> None:
    assert pointer.activate("v2", instead_of="v1") == Wanted("v2", "v1", 1)
    assert pointer.activate("v3", instead_of="v1") == Wanted("v3", "v2", 2)
    assert pointer.activate("v3", instead_of="v1") == Wanted("v3", "v2", 3)
    assert pointer.read() == Wanted("v3", "v2", 3)


def test_the_first_activation_of_what_is_served_leaves_no_way_back(pointer: Pointer) -> None:
    assert pointer.activate("v1", instead_of="v1") == Wanted("v1", None, 1)


def test_going_back_closes_the_way(pointer: Pointer) -> None:
    pointer.activate("v2", instead_of="v1")
    assert pointer.roll_back("v1") == Wanted("v1", None, 2)
    with pytest.raises(NothingToGoBackTo):
        pointer.roll_back("v1")


def test_of_two_who_go_back_at_once_one_does(pointer: Pointer) -> None:
    pointer.activate("v2", instead_of="v1")

    def go(_: int) -> int:
        try:
            pointer.roll_back("v1")
        except NothingToGoBackTo:
            return 0
        return 1

    with ThreadPoolExecutor(4) as threads:
        assert sum(threads.map(go, range(8))) == 1
    assert pointer.read() == Wanted("v1", None, 2)


def test_going_back_from_what_has_changed_meanwhile_is_refused(pointer: Pointer) -> None:
    pointer.activate("v2", instead_of="v1")
    pointer.activate("v3", instead_of="v2")
    with pytest.raises(NothingToGoBackTo, match="v1 is not the previous version any more"):
        pointer.roll_back("v1")
    assert pointer.read() == Wanted("v3", "v2", 2)


def test_a_change_is_announced(pointer: Pointer) -> None:
    with pointer.announcements() as heard:
        assert heard.get_message(timeout=1) is None  # the subscription's own, which is not told
        pointer.activate("v2", instead_of="v1")
        message = heard.get_message(timeout=5)
    assert message is not None
    assert message["data"] == b"v2"


def test_replicas_report_and_those_that_ceased_to_are_forgotten(
    pointer: Pointer, client: Redis
) -> None:
    pointer.report("b", Report("v1", {"v2": "worse than chance"}))
    pointer.report("a", Report("v1"))
    assert [*pointer.reports()] == ["a", "b"]
    assert pointer.reports()["b"].refused == {"v2": "worse than chance"}
    client.zincrby(keys.MODEL_SEEN, -GONE_AFTER_S - 1, "b")
    pointer.report("a", Report("v2"))
    assert pointer.reports() == {"a": Report("v2")}


def test_all_its_keys_lie_in_one_slot_of_a_cluster() -> None:
    for key in (keys.MODEL_SEEN, keys.MODEL_REPORTS):
        assert key[key.index("{") + 1 : key.index("}")] == keys.MODEL


@pytest.mark.parametrize("url", ["redis://127.0.0.1:1", "redis+cluster://127.0.0.1:1"])
def test_a_redis_that_is_not_there_is_said_not_to_have_confirmed(url: str) -> None:
    pointer = Pointer(url)
    for ask in (pointer.read, pointer.reports, lambda: pointer.activate("v2", "v1")):
        with pytest.raises(PointerUnreachable, match="did not confirm"):
            ask()
    pointer.close()
