"""The proxy sends requests to whoever is ready, and to no one in particular."""

import signal
from contextlib import closing

from benchmarks.client import Connection
from benchmarks.proxy import Proxy
from tests.faults.swapping import wishes
from tests.features.shelves import until
from tests.replicas.fleet import Fleet

REQUESTS = 60


def test_requests_of_one_connection_go_to_every_replica(proxy: Proxy, replicas: Fleet) -> None:
    before = proxy.served()
    with closing(Connection(proxy.address)) as connection:
        for number in range(REQUESTS):
            assert connection.ask(wishes()[number % 8]).status == 200
    got = [now - then for now, then in zip(proxy.served(), before, strict=True)]
    assert sum(got) == REQUESTS
    assert min(got) > REQUESTS // 6, "nobody is bound to a replica"


def test_a_replica_that_stands_still_is_left_out_until_it_goes_on(
    proxy: Proxy, replicas: Fleet
) -> None:
    replicas.signal(1, signal.SIGSTOP)
    try:
        until(lambda: not proxy.up()[1])
        with closing(Connection(proxy.address)) as connection:
            for number in range(REQUESTS):
                assert connection.ask(wishes()[number % 8]).status == 200
    finally:
        replicas.signal(1, signal.SIGCONT)
    until(lambda: all(proxy.up()))
