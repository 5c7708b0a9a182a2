"""What stands before every endpoint: the header with the deadline, the key, the room."""

import asyncio
from math import inf

import pytest

from service.access.scope import Scope
from service.admission.priority import Priority
from service.door import Door, Headers, Pass
from service.http.problems import HeaderInvalid, NotServed, ProblemError

NO_ROOM = NotServed(503, "full", {})


class Room:
    """Has so many places."""

    def __init__(self, places: int) -> None:
        self.places = places

    def enter(self, priority: Priority) -> None:  # noqa: ARG002  as `Admission` has it
        if not self.places:
            raise NO_ROOM
        self.places -= 1

    def refusal(self, priority: Priority) -> ProblemError | None:  # noqa: ARG002  as `Admission` has it
        return None if self.places else NO_ROOM

    def turn(self, priority: Priority) -> None:
        """Let it begin at once."""

    def begin(self) -> None:
        """Let it run."""

    def end(self) -> None:
        self.places += 1


class Keys:
    """Verifies the first time in its own time, and knows the verdict from then on."""

    def __init__(self) -> None:
        self.known = False

    async def _verify(self) -> str:
        await asyncio.sleep(0)
        self.known = True
        return "shop"

    def check(self, headers: Headers, scope: Scope) -> object:  # noqa: ARG002  as `Access` has it
        return "shop" if self.known else self._verify()


async def entered(door: Door, headers: Headers = ()) -> Pass:
    entry = door.enter(headers, "read")
    return entry if isinstance(entry, Pass) else await entry


def test_without_keys_and_limits_everybody_is_let_in() -> None:
    entry = asyncio.run(entered(Door()))

    assert (entry.caller, entry.deadline_ms) == (None, inf)


@pytest.mark.parametrize("value", [b"0", b"-1", b"soon", b"nan", b"inf", b"10001", b""])
def test_a_deadline_that_is_none_is_refused_by_name(value: bytes) -> None:
    with pytest.raises(HeaderInvalid, match="X-Deadline-Ms"):
        asyncio.run(entered(Door(), [(b"x-deadline-ms", value)]))


def test_the_deadline_of_the_header_comes_along() -> None:
    assert asyncio.run(entered(Door(), [(b"x-deadline-ms", b"12.5")])).deadline_ms == 12.5


def test_a_key_that_is_known_by_now_is_let_in_at_once() -> None:
    door = Door(access=Keys())  # type: ignore[arg-type]  # it says `object` for brevity

    first, then = asyncio.run(entered(door)), door.enter((), "read")

    assert isinstance(then, Pass)
    assert first.caller == then.caller == "shop"


def test_whoever_is_answered_makes_room() -> None:
    door = Door(admission=Room(1))
    asyncio.run(entered(door))

    with pytest.raises(ProblemError):
        door.enter((), "read")
    door.end()

    assert isinstance(door.enter((), "read"), Pass)


def test_who_is_turned_away_takes_no_place() -> None:
    door = Door(admission=Room(1))

    assert door.refusal(Priority.LIVE) is None
    asyncio.run(entered(door))
    assert door.refusal(Priority.LIVE) is NO_ROOM
    assert Door().refusal(Priority.LIVE) is None
