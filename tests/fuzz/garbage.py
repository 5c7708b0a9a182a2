"""Bytes that are hardly HTTP: each on a connection of its own, which must end with an answer."""

import contextlib
import random
from collections.abc import Iterator
from typing import Final

from tests.fuzz.barrage import BAD, LONGEST_S, Toll
from tests.fuzz.smuggling import CORPUS, LINE_ENDS, WORDS
from tests.fuzz.wire import Wire

TOGETHER: Final = 100
LAST: Final = b"\r\n\r\nGET /health/live HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n"


def garbage(url: str, count: int, seed: int) -> Toll:
    """Send so many; what is not whole is told 408, once the service's patience has ended."""
    toll, chance = Toll(), random.Random(seed)
    shots = _shots(chance)
    for _ in range(0, count, TOGETHER):
        fired = [_fired(url, next(shots)) for _ in range(TOGETHER)]
        for wire, shot in fired:
            with wire:
                _receive(wire, shot, toll)
    return toll


def _fired(url: str, shot: bytes) -> tuple[Wire, bytes]:
    wire = Wire(url, LONGEST_S)
    with contextlib.suppress(OSError):  # it has been answered, and has ended
        wire.send(shot + LAST)
    return wire, shot


def _receive(wire: Wire, shot: bytes, toll: Toll) -> None:
    wire.head = shot.lstrip().startswith(b"HEAD")
    try:
        answers = wire.answers()
    except TimeoutError:
        toll.hangs += 1
        toll.faults.append(f"hang: {shot[:2000]!r}")
        return
    except OSError as fault:
        toll.resets += 1
        toll.faults.append(f"{fault!r}: {shot[:2000]!r}")
        return
    toll.statuses.update(answer.status for answer in answers)
    if not answers or any(answer.status in BAD for answer in answers):
        toll.faults.append(f"{[answer.status for answer in answers]}: {shot[:2000]!r}")


def _shots(chance: random.Random) -> Iterator[bytes]:
    """Yield requests of the corpus with a few bytes otherwise, and rows of words of HTTP."""
    models = [case.sent for case in CORPUS if len(case.sent) < 5000]
    while True:
        if chance.random() < 0.3:
            words = chance.choices(WORDS, k=chance.randint(1, 12))
            yield b"".join(word + chance.choice(LINE_ENDS) for word in words)
            continue
        shot = bytearray(chance.choice(models))
        for _ in range(chance.randint(1, 4)):
            at = chance.randrange(len(shot))
            match chance.randrange(4):
                case 0:
                    shot[at] = chance.randrange(256)
                case 1:
                    shot[at:at] = chance.choice(WORDS)
                case 2:
                    del shot[at : at + chance.randint(1, 8)]
                    shot = shot or bytearray(b"G")
                case 3:
                    shot[at:at] = chance.choice(LINE_ENDS)
        yield bytes(shot)
