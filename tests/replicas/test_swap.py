"""One activation, through the proxy: every replica serves the model within a second."""

import time
from contextlib import ExitStack

import pytest

from benchmarks.proxy import Proxy
from tests.faults.figures import Figures
from tests.faults.length import Length
from tests.faults.swapping import Clients, Operator, known, wishes
from tests.features.shelves import until
from tests.replicas.fleet import Fleet

CLIENTS, PAUSE_S = 16, 0.1
WITHIN_S = 60.0


@pytest.mark.slow
def test_a_swap_is_followed_by_every_replica_and_no_answer_mixes_two(
    replicas: Fleet, proxy: Proxy, versions: list[str], figures: Figures, length: Length
) -> None:
    with ExitStack() as stack:
        ends = [stack.enter_context(Operator(at)) for at in replicas.addresses]
        operator = stack.enter_context(Operator(proxy.address))

        def all_serve(version: str) -> bool:
            return all(end.serves() == version for end in ends)

        answers = dict[str, list[bytes]]()
        for version in reversed(versions):
            assert operator.activate(version)[0] == 200
            until(lambda version=version: all_serve(version), WITHIN_S)  # type: ignore[misc]  # bound now
            answers |= known(proxy.address, wishes())
        followed = list[float]()
        with Clients(proxy.address, CLIENTS, answers, PAUSE_S) as load:
            for number in range(length.pick(short=2, ci=20, full=200)):
                version = versions[(number + 1) % 2]
                assert operator.activate(version)[0] == 200
                began = time.monotonic()
                until(lambda version=version: all_serve(version), WITHIN_S)  # type: ignore[misc]  # bound now
                followed.append(time.monotonic() - began)
                time.sleep(length.pick(short=0.0, ci=0.2, full=0.2))
    figures.note("swaps", len(followed))
    figures.note("answers", load.served.total())
    figures.hold("answers that failed", len(load.failed), equal=0)
    figures.hold("answers that mix two models", len(load.mixed), equal=0)
    figures.hold("models that answered", len(load.served), equal=2)
    figures.hold(
        "from the activation's answer to all replicas, at most",
        max(followed),
        at_most=1.0,
        unit="s",
    )
