"""Which requests a loop tells of."""

import pytest

from service.logs.wide import WideLog
from service.observe.asker import Told
from service.observe.ended import Ended
from service.observe.reports import Reports
from service.observe.spans import Trace

REQUEST = "0192f3a4b5c6d7e8f90a1b2c3d4e5f60"


class Heard(WideLog):
    """A log that keeps what it is told."""

    def __init__(self, share: float) -> None:
        super().__init__(share, Told("none"))
        self.heard: list[Ended] = []

    def note(self, ended: Ended) -> None:
        self.heard.append(ended)


@pytest.mark.parametrize(
    ("share", "slow_ms", "status", "took_ms", "told"),
    [
        (0.0, 100.0, 200, 1, False),
        (0.0, 100.0, 200, 200, True),
        (0.0, 0.0, 200, 200, False),
        (0.0, 100.0, 500, 1, True),
        (0.0, 0.0, 503, 1, True),
        (0.0, 100.0, 422, 1, False),
        (1.0, 100.0, 200, 1, True),
        (1.0, 0.0, 422, 1, True),
    ],
)
def test_slow_and_failed_ones_are_told_whatever_the_sample(
    share: float, slow_ms: float, status: int, took_ms: int, *, told: bool
) -> None:
    log = Heard(share)
    trace = Trace()
    trace.started_ns -= took_ms * 1_000_000
    Reports(slow_ms, log, None).end(REQUEST, "POST", "/v1/rank", status, trace, None, None)
    assert bool(log.heard) == told
