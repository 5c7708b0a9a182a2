"""Progress bars for long work: one line a step, with the time it took and the time left."""

from collections.abc import Iterable, Iterator
from time import monotonic
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

RECORDS_PER_MOVE = 1000


class Bars:
    """Call it as training and loading do: ``bars(step, done, total)``; use it as a context."""

    def __init__(self, console: Console) -> None:
        self._progress = Progress(
            TextColumn("{task.description:<12}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TextColumn("left"),
            TimeRemainingColumn(),
            console=console,
        )
        self._steps: dict[str, TaskID] = {}
        self._began = monotonic()

    @property
    def seconds(self) -> float:
        """How long it has taken so far."""
        return monotonic() - self._began

    def along[T](self, step: str, records: Iterable[T], total: int | None = None) -> Iterator[T]:
        """Yield records while a bar shows how many came; without a total it shows only that."""
        done = 0
        for record in records:
            if done % RECORDS_PER_MOVE == 0:
                self(step, done, total)
            yield record
            done += 1
        self(step, done, done)

    def __call__(self, step: str, done: int, total: int | None) -> None:
        """Move a step's bar."""
        if step not in self._steps:
            self._progress.start()  # not before: what fails at once shows no empty bars
            self._steps[step] = self._progress.add_task(step, total=total)
        self._progress.update(self._steps[step], completed=done, total=total)

    def __enter__(self) -> Self:
        self._began = monotonic()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        fault: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._steps:
            self._progress.stop()
