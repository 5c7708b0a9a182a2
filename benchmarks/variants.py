"""Braid with one thing exchanged, to measure that thing: python -m benchmarks.variants NAME ...

The rest of the command line is that of `braid`. Nothing of this is in the product.
"""

import sys
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from math import inf
from queue import SimpleQueue
from threading import Thread
from time import sleep
from typing import Any, Self

import service.app
import service.http.routes
from features.types import Query
from service.admission.admission import Admission
from service.answer import Answer
from service.cli import main as braid
from service.crew import Crew, Work
from service.effort import Effort
from service.http.wire import SlateAnswer
from service.observe.flight import Flight
from service.observe.recorder import Recorder
from service.observe.reports import Reports
from service.observe.spans import Trace

# To be exchanged, names are looked up where they are used, which no module exports.
app: Any = service.app
routes: Any = service.http.routes


TURN_S = 0.1
"""Short, for this machine's own speed changes within seconds by more than is measured."""

NOTHING = nullcontext()
UNINSTRUMENTED: dict[type, dict[str, Callable[..., Any]]] = {
    Trace: {
        "span": lambda *_: NOTHING,
        "read": lambda *_: NOTHING,
        "server_timing": lambda _: "",
        "note_near": lambda *_: None,
    },
    Recorder: {"record": lambda *_: None},
    Flight: {"record": lambda *_: None},
    Reports: {"begin": lambda *_: None, "end": lambda *_: None},
}


class AlwaysParallel(Crew):
    """Cuts every piece of work into equal parts, one for each thread, and waits for all.

    What a thread pool does: it asks neither whether a helper is idle nor whether it is worth it.
    """

    def __init__(self, size: int) -> None:
        super().__init__(0)
        self.took = 1
        self._queue = SimpleQueue[Callable[[], None] | None]()
        self._threads = [Thread(target=self._run, daemon=True) for _ in range(size)]
        for thread in self._threads:
            thread.start()

    def caller(self) -> Self:  # type: ignore[override]  # it stands in for caller and party, too
        """Return itself: every thread and every request has all of it."""
        return self

    def party(self, shares: object = None) -> AbstractContextManager[Self]:  # noqa: ARG002  the caller's signature
        """Return itself."""
        return nullcontext(self)

    def rouse(self, work_ns: float) -> None:
        """Do nothing: nobody is woken ahead."""

    def share[T](
        self,
        work: Work[T],
        rows: int,
        cost_ns_per_row: float,  # noqa: ARG002  the party's signature
        stop_ns: float = inf,  # noqa: ARG002  the party's signature
    ) -> list[T]:
        """Have ``work`` done for all of ``[0, rows)``; return what it returned, in order."""
        parts = min(len(self._threads) + 1, rows)
        done = SimpleQueue[BaseException | None]()
        results: dict[int, T] = {}

        def part(low: int, high: int) -> None:
            try:
                results[low] = work(low, high)
            except BaseException as fault:  # noqa: BLE001  raised by whoever waits
                done.put(fault)
            else:
                done.put(None)

        for index in range(1, parts):
            low, high = rows * index // parts, rows * (index + 1) // parts
            self._queue.put(lambda low=low, high=high: part(low, high))  # type: ignore[misc]  # mypy cannot infer a lambda's defaults
        part(0, rows // parts if parts else 0)
        for _ in range(max(parts, 1)):
            fault = done.get()
            if fault is not None:
                raise fault
        self.took = max(parts, 1)
        return [results[low] for low in sorted(results)]

    def close(self) -> None:
        """Send the threads home."""
        for _ in self._threads:
            self._queue.put(None)
        for thread in self._threads:
            thread.join()

    def _run(self) -> None:
        while (part := self._queue.get()) is not None:
            part()


def always_parallel() -> None:
    """Serve with `AlwaysParallel` in the crew's place."""
    app.Crew = AlwaysParallel


def instrumented_by_turns() -> None:
    """Serve with spans, histograms, counters and records for a while, without for the next.

    What a deadline needs stays. Two processes of one program differ by a few percent in how fast
    they are, which is more than the instruments take. Who asks one process tells its turns apart by
    the Server-Timing header, which is empty without.
    """
    on = [True]

    def by_turns(original: Callable[..., Any], stub: Callable[..., Any]) -> Callable[..., Any]:
        return lambda *given: original(*given) if on[0] else stub(*given)

    def turn() -> None:
        while True:
            sleep(TURN_S)
            on[0] = not on[0]

    for target, methods in UNINSTRUMENTED.items():
        for name, stub in methods.items():
            setattr(target, name, by_turns(getattr(target, name), stub))
    Thread(target=turn, daemon=True).start()


def edge() -> None:
    """Answer every request as the first: read, decode, validate, name, encode, but rank nothing."""
    first: dict[int, Answer] = {}
    recommend = routes.recommend

    async def answer(query: Query, *others: Any) -> Answer:
        key = len(query.candidates)
        if key not in first:
            first[key] = await recommend(query, *others)
        return first[key]

    routes.recommend = answer


def prepared_edge() -> None:
    """Like `edge`, with the answer's struct made beforehand too: only the encoder is left."""
    edge()
    first: dict[int, SlateAnswer] = {}
    slate_answer = routes.slate_answer

    def name(request_id: str, answer: Answer, *others: Any) -> SlateAnswer:
        key = len(answer.query.candidates)
        if key not in first:
            first[key] = slate_answer(request_id, answer, *others)
        return first[key]

    routes.slate_answer = name


def full_effort() -> None:
    """Do everything for everybody who is let in: overload is met by refusing alone."""

    def effort(self: Admission) -> Effort:  # noqa: ARG001  as the method has it
        return Effort.FULL

    Admission.effort = effort  # type: ignore[method-assign]  # that is what a variant does


VARIANTS = {
    "always-parallel": always_parallel,
    "instrumented-by-turns": instrumented_by_turns,
    "edge": edge,
    "prepared-edge": prepared_edge,
    "full-effort": full_effort,
}


def main() -> None:
    """Exchange it, then serve."""
    _, name, *arguments = sys.argv
    VARIANTS[name]()
    sys.argv = ["braid", *arguments]
    braid()


if __name__ == "__main__":
    main()
