"""What was written through one replica is read through the others."""

import threading
import time
from contextlib import ExitStack, closing
from itertools import permutations

import pytest

from benchmarks.client import Connection
from benchmarks.effect import ROUNDS_PER_USER, Rounds, one_user
from benchmarks.proxy import Proxy
from tests.faults.figures import Figures
from tests.faults.length import Length
from tests.features.shelves import until
from tests.replicas.fleet import Fleet
from tests.service.catalogues import put_new, retire, seen
from tests.service.conftest import Client

WALKERS = 3


@pytest.mark.slow
def test_the_next_slate_from_another_replica_knows_the_event(
    replicas: Fleet, figures: Figures, length: Length
) -> None:
    users = length.pick(short=5, ci=167, full=167)
    found = [Rounds() for _ in range(WALKERS)]

    def walk(number: int) -> None:
        with ExitStack() as stack:
            ends = [
                stack.enter_context(closing(Connection(address))) for address in replicas.addresses
            ]
            # Every writer with every other as the reader, in turns.
            pairs = list(permutations(ends, 2))
            for user in range(users):
                one_user(pairs, f"walker-{number}-{user}", found[number])

    walkers = [threading.Thread(target=walk, args=(number,)) for number in range(WALKERS)]
    for walker in walkers:
        walker.start()
    for walker in walkers:
        walker.join()
    figures.hold(
        "rounds",
        sum(len(one.effect_s) for one in found),
        equal=WALKERS * users * ROUNDS_PER_USER,
    )
    figures.hold("slates that missed the event", sum(one.misses for one in found), equal=0)
    figures.hold("slates of a fallback", sum(one.degraded for one in found), equal=0)


def test_an_item_that_is_put_or_retired_at_one_replica_is_so_at_all(
    replicas: Fleet, proxy: Proxy, figures: Figures, length: Length
) -> None:
    through = Client("http://{}:{}".format(*proxy.address))
    ends = [Client("http://{}:{}".format(*address)) for address in replicas.addresses]
    put, gone = list[float](), list[float]()
    for number in range(length.pick(short=3, ci=20, full=100)):
        item = f"new-{number}"
        assert put_new(through, item).status == 200
        began = time.monotonic()
        until(lambda item=item: all(item in seen(end) for end in ends))  # type: ignore[misc]  # bound now
        put.append(time.monotonic() - began)
        assert retire(through, item).status == 200
        began = time.monotonic()
        until(lambda item=item: not any(item in seen(end) for end in ends))  # type: ignore[misc]  # bound now
        gone.append(time.monotonic() - began)
    for client in (through, *ends):
        client.close()
    figures.hold("put and seen by all, at most", max(put), at_most=1.0, unit="s")
    figures.hold("retired and seen by none, at most", max(gone), at_most=1.0, unit="s")


def test_a_user_has_the_same_variant_at_every_replica(replicas: Fleet) -> None:
    ends = [Client("http://{}:{}".format(*address)) for address in replicas.addresses]
    told = [
        [end.recommend(user_id=f"visitor-{n}", surface="tried").json["variant"] for n in range(60)]
        for end in ends
    ]
    for end in ends:
        end.close()
    assert told[0] == told[1] == told[2]
    assert set(told[0]) == {"control", "holdout", "short"}
