"""Ways to write a scorer in plain Python: they differ in what two threads would share.

All but the last few score by the same loop; what differs is where its table of four boosts lives,
and who made the table's floats.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass
from threading import local

COLUMNS = ("item.clicks", "item.ratio", "item.stock", "item.likeness")

type Columns = dict[str, list[float]]
type Way = Callable[[dict[str, float], Columns], list[float]]

TEXT = '{"0": 1.0, "1": 1.15, "2": 0.9, "3": 1.05}'


def read_table() -> dict[int, float]:
    """Return the boosts as from a file: floats that this thread has made."""
    return {int(stock): boost for stock, boost in json.loads(TEXT).items()}


WRITTEN = {0: 1.0, 1: 1.15, 2: 0.9, 3: 1.05}
READ = read_table()
READ_LIST = [*READ.values()]


@dataclass
class Rules:
    """Settings as an object: every ``rules.damp`` in the loop touches it and its value."""

    damp: float = float("0.7")


RULES = Rules()
MINE = local()


def loop(boosts: dict[int, float], items: Columns) -> list[float]:
    """Score with this table; about 0.2 us a candidate."""
    scores = []
    columns = (items[name] for name in COLUMNS)
    for clicks, ratio, stock, likeness in zip(*columns, strict=True):
        worth = 0.3 * clicks / (1.0 + clicks) + ratio
        worth *= boosts.get(int(stock) & 3, 1.0)
        scores.append(worth if likeness > -1.0 else worth * 0.7)
    return scores


def nothing_shared(_user: dict[str, float], items: Columns) -> list[float]:
    """Share nothing: the machine's own ceiling, for as much work again."""
    total = 0.0
    for step in range(2 * len(items["item.clicks"])):
        total = total * 0.5 + step
    return [total] * len(items["item.clicks"])


def literal(_user: dict[str, float], items: Columns) -> list[float]:
    """Write the table inside the function."""
    return loop({0: 1.0, 1: 1.15, 2: 0.9, 3: 1.05}, items)


def written(_user: dict[str, float], items: Columns) -> list[float]:
    """Use a module's table whose floats stand in the source."""
    return loop(WRITTEN, items)


def read(_user: dict[str, float], items: Columns) -> list[float]:
    """Use a module's table whose floats were read when it was imported."""
    return loop(READ, items)


def copied(_user: dict[str, float], items: Columns) -> list[float]:
    """Copy that table in every call: another dict, the same floats."""
    return loop(dict(READ), items)


def made_anew(_user: dict[str, float], items: Columns) -> list[float]:
    """Make the table's floats anew in every call."""
    return loop({stock: boost + 0.0 for stock, boost in READ.items()}, items)


def per_thread(_user: dict[str, float], items: Columns) -> list[float]:
    """Read the table once in every thread."""
    if not hasattr(MINE, "boosts"):
        MINE.boosts = read_table()
    return loop(MINE.boosts, items)


def from_list(_user: dict[str, float], items: Columns) -> list[float]:
    """Use a module's list of floats, by its global name."""
    scores = []
    for clicks, stock in zip(items["item.clicks"], items["item.stock"], strict=True):
        scores.append(clicks * READ_LIST[int(stock) & 3])
    return scores


def from_own_list(_user: dict[str, float], items: Columns) -> list[float]:
    """Take the list into a name of the function before the loop: its floats are still shared."""
    boosts, scores = READ_LIST, []
    for clicks, stock in zip(items["item.clicks"], items["item.stock"], strict=True):
        scores.append(clicks * boosts[int(stock) & 3])
    return scores


def from_object(_user: dict[str, float], items: Columns) -> list[float]:
    """Use the attributes of a module's object, by its global name."""
    return [clicks * RULES.damp for clicks in items["item.clicks"]]


def from_locals(_user: dict[str, float], items: Columns) -> list[float]:
    """Take the object's attributes into names of the function before the loop."""
    damp = RULES.damp
    return [clicks * damp for clicks in items["item.clicks"]]


def _boost(stock: float) -> float:
    return 1.15 if stock > 1.0 else 0.9


def calling(_user: dict[str, float], items: Columns) -> list[float]:
    """Call another function of the module for every candidate."""
    columns = zip(items["item.clicks"], items["item.stock"], strict=True)
    return [clicks * _boost(stock) for clicks, stock in columns]


def ranging(_user: dict[str, float], items: Columns) -> list[float]:
    """Make a range for every candidate."""
    scores = []
    for clicks in items["item.clicks"]:
        worth = clicks
        for _ in range(3):
            worth *= 0.5
        scores.append(worth)
    return scores


WAYS: dict[str, Way] = {
    "nothing shared (the machine)": nothing_shared,
    "table in the function": literal,
    "module's table, written in the source": written,
    "module's table, read from a file": read,
    "the same, copied per call": copied,
    "the same, its floats made anew per call": made_anew,
    "the same, read once per thread": per_thread,
    "module's list, read from a file": from_list,
    "the same, the list in a local name first": from_own_list,
    "module's object, its attributes": from_object,
    "the same, the attribute in a local name first": from_locals,
    "module's function, called per row": calling,
    "a range() per row": ranging,
}
