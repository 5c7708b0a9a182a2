"""The door of one event loop: what stands before every endpoint, and before every page."""

from asyncio import sleep
from collections.abc import Awaitable, Sequence
from dataclasses import dataclass
from math import inf
from typing import NamedTuple, Protocol

from service.access.scope import Scope
from service.admission.priority import Priority
from service.http.problems import HeaderInvalid, ProblemError

type Headers = Sequence[tuple[bytes, bytes]]
"""Names in lower case."""

DEADLINE = b"x-deadline-ms"
LONGEST_DEADLINE_MS = 10_000.0


class Access(Protocol):
    """Knows who may ask for what, and how often."""

    def check(self, headers: Headers, scope: Scope) -> str | Awaitable[str]:
        """Return the name of the key: at once where it is known, else when it is verified.

        Raises:
            ProblemError: no key, not a good one, not for this, or too often; also from the
                awaitable.
        """


class Admission(Protocol):
    """Knows whether there is room for one more."""

    def refusal(self, priority: Priority) -> ProblemError | None:
        """Return what one who came now would be told; None where there is room."""

    def enter(self, priority: Priority) -> None:
        """Let a request in.

        Raises:
            ProblemError: there is no room; try again later.
        """

    def turn(self, priority: Priority) -> Awaitable[None] | None:
        """Return None where who was let in may begin now, else what is done when it may.

        Raises:
            ProblemError: from the awaitable: it has waited in vain.
        """

    def begin(self) -> None:
        """Note that one whose turn has come runs, until its `end`."""

    def end(self) -> None:
        """Note that one is answered, or waits for another turn."""


class Pass(NamedTuple):
    """Who was let in, with how much time, and what it gives way to."""

    caller: str | None
    deadline_ms: float
    priority: Priority


@dataclass(frozen=True, slots=True)
class Door:
    """Asks for the key, then whether there is room: a flood without keys takes nobody's room.

    Without either it lets everybody in.
    """

    access: Access | None = None
    admission: Admission | None = None

    def enter(
        self, headers: Headers, scope: Scope, priority: Priority = Priority.LIVE
    ) -> Pass | Awaitable[Pass]:
        """Let a request in before its body is read; it begins when its `turn` has come.

        Raises:
            ProblemError: it has to stay outside; also from the awaitable.
        """
        deadline_ms = _deadline_ms(headers)
        if self.access is None:
            return self._admit(None, deadline_ms, priority)
        caller = self.access.check(headers, scope)
        if isinstance(caller, str):
            return self._admit(caller, deadline_ms, priority)
        return self._admit_when(caller, deadline_ms, priority)

    async def show(self, headers: Headers, scope: Scope | None) -> None:
        """Let a request look at a page; who only looks takes no room.

        Raises:
            ProblemError: it may not.
        """
        if self.access is not None and scope is not None:
            caller = self.access.check(headers, scope)
            if not isinstance(caller, str):
                await caller

    def refusal(self, priority: Priority) -> ProblemError | None:
        """Return what one is told for whom there is no room, whoever it is; None where there is.

        `enter` says the same. This is for telling it at the least expense.
        """
        return None if self.admission is None else self.admission.refusal(priority)

    def turn(self, entry: Pass) -> Awaitable[None] | None:
        """Return None where who was let in may begin now, else what is done when it may.

        Raises:
            ProblemError: from the awaitable: it has waited in vain.
        """
        return None if self.admission is None else self.admission.turn(entry.priority)

    def begin(self) -> None:
        """Note that one whose turn has come runs, until its `end`."""
        if self.admission is not None:
            self.admission.begin()

    def end(self) -> None:
        """Note that one is answered, or waits for another turn."""
        if self.admission is not None:
            self.admission.end()

    async def give_way(self) -> None:
        """Let others begin, in the middle of much work: live ones first."""
        self.end()
        try:
            turn = None if self.admission is None else self.admission.turn(Priority.BULK)
            await (sleep(0) if turn is None else turn)
        finally:
            self.begin()

    async def _admit_when(
        self, verified: Awaitable[str], deadline_ms: float, priority: Priority
    ) -> Pass:
        return self._admit(await verified, deadline_ms, priority)

    def _admit(self, caller: str | None, deadline_ms: float, priority: Priority) -> Pass:
        if self.admission is not None:
            self.admission.enter(priority)
        return Pass(caller, deadline_ms, priority)


def _deadline_ms(headers: Headers) -> float:
    """Return what the header says, infinity without one."""
    for name, value in headers:
        if name == DEADLINE:
            try:
                wanted = float(value)
            except ValueError:
                wanted = 0.0
            if 0 < wanted <= LONGEST_DEADLINE_MS:
                return wanted
            raise HeaderInvalid(
                f"X-Deadline-Ms must be a number above 0 and at most {LONGEST_DEADLINE_MS:.0f}"
            )
    return inf
