"""What the stages of one request have at their disposal, besides the values they read."""

from collections.abc import Callable
from dataclasses import dataclass
from math import inf
from typing import Any, Protocol

from ranking.retrieval.gather import Begin, in_turn
from service.asides import Asides
from service.crew import Work
from service.effort import Effort
from service.observe.spans import Trace


class Share(Protocol):
    """Has work done for all of ``[0, rows)``, as `service.crew.Party.share` does."""

    def __call__[T](
        self, work: Work[T], rows: int, cost_ns_per_row: float, stop_ns: float = inf
    ) -> list[T]:
        """Return what became of each part, in their order."""


def serial[T](
    work: Work[T],
    rows: int,
    cost_ns_per_row: float,  # noqa: ARG001  a `Share`
    stop_ns: float = inf,  # noqa: ARG001  a `Share`
) -> list[T]:
    """Have all of it done here: the specification of every other way."""
    return [work(0, rows)]


@dataclass(slots=True)
class Means:
    """Time, threads, and how much of an effort the request is worth.

    Without ``asides`` functions of the user's own are called here, and nobody watches them.
    """

    trace: Trace
    share: Share = serial
    asides: Asides | None = None
    effort: Effort = Effort.FULL

    def begin(self) -> Begin:
        """Return how sources that stand aside are begun."""
        return in_turn if self.asides is None else self.asides.beginning(self.trace)

    def watched(self, function: Callable[..., Any], stop_ns: float) -> Callable[..., Any]:
        """Return a function of the user's own that raises `service.watchdog.Late` by then."""
        if self.asides is None:
            return function
        watchdog = self.asides.watchdog
        return lambda *given: watchdog.call(function, stop_ns, *given)

    def suspects(self, function: Callable[..., Any]) -> bool:
        """Tell whether it should not be called in this thread any more."""
        return self.asides is not None and self.asides.watchdog.suspects(function)
