"""What rules ask of a catalogue that it has not: found without compiling anything."""

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from ranking.catalogue import Catalogue
from ranking.filters import FilterRejected, Table, check, parse
from ranking.filters.table import Labels
from ranking.plugins import plugin
from ranking.rerank.boosts import label_of
from ranking.rerank.rules import Rules

_SHOWN = 20
_LONGEST_ECHO = 40

ROLE = "re-ranker"


class Fault(NamedTuple):
    """What is wrong, and the keys that lead to it from the rules or from the request."""

    path: tuple[str, ...]
    reason: str


def faults(rules: Rules, table: Table, catalogue: Catalogue) -> list[Fault]:
    """Return everything in a surface's rules that this catalogue has not."""
    return list(_faults(rules, table, catalogue))


def _faults(rules: Rules, table: Table, catalogue: Catalogue) -> Iterator[Fault]:
    for index, cap in enumerate(rules.caps):
        yield from _label(table, cap.attribute, cap.label, ("caps", str(index)))
    for index, window in enumerate(rules.windows):
        yield from _label(table, window.attribute, window.label, ("windows", str(index)))
    if rules.calibration is not None:
        yield from _label(table, rules.calibration.attribute, None, ("calibration",))
    for index, promotion in enumerate(rules.promotions):
        yield from _filter(promotion.items, table, ("promotions", str(index), "items"))
    if rules.explore is not None and rules.explore.items is not None:
        yield from _filter(rules.explore.items, table, ("explore", "items"))
    yield from boost_faults(rules.boosts, table, ("boosts",), filters=True)
    yield from pin_faults(rules.pins, catalogue, ("pins",))
    if rules.function is not None:
        try:
            plugin(rules.function, ROLE)
        except ValueError as fault:
            yield Fault(("function",), str(fault))


def pin_faults(
    pins: Mapping[str, str], catalogue: Catalogue, path: tuple[str, ...] = ("pin",)
) -> list[Fault]:
    """Return the pins whose items the catalogue lacks, and those of one item at two places."""
    found, places = [], dict[str, str]()
    for place, item_id in pins.items():
        shown = item_id[:_LONGEST_ECHO]
        if catalogue.ordinal(item_id) is None:
            found.append(Fault((*path, place), f"there is no item {shown!r}"))
        elif item_id in places:
            found.append(
                Fault((*path, place), f"item {shown!r} is pinned to {places[item_id]}, too")
            )
        places.setdefault(item_id, place)
    return found


def boost_faults(
    boosts: Mapping[str, float],
    table: Table,
    path: tuple[str, ...] = ("boost",),
    *,
    filters: bool = False,
) -> list[Fault]:
    """Return the boosts of unknown columns and labels; without ``filters`` each is of a label."""
    found: list[Fault] = []
    for text in boosts:
        label = label_of(text, table)
        if label is not None:
            found += _label(table, *label, (), (*path, text))
        elif filters:
            found += _filter(text, table, (*path, text))
        else:
            found.append(Fault((*path, text), "write it as column:label, as in genre:Comedy"))
    return found


def _label(
    table: Table,
    name: str,
    label: str | None,
    path: tuple[str, ...],
    whole: tuple[str, ...] | None = None,
) -> Iterator[Fault]:
    """Find out whether there is such a column of labels, and such a label in it."""
    column = table.columns.get(name)
    shown = name[:_LONGEST_ECHO]
    if not isinstance(column, Labels):
        names = [key for key, each in table.columns.items() if isinstance(each, Labels)]
        there = ", ".join(sorted(names)[:_SHOWN]) or "none"
        reason = f"there is no column of texts {shown!r}; there are {there}"
        yield Fault(whole or (*path, "attribute"), reason)
    elif label is not None and label not in column.codes:
        labels = ", ".join(sorted(column.codes)[:_SHOWN])
        reason = f"column {shown!r} has no {label[:_LONGEST_ECHO]!r}; it has {labels}"
        yield Fault(whole or (*path, "label"), reason)


def _filter(text: str, table: Table, path: tuple[str, ...]) -> Iterator[Fault]:
    try:
        check(parse(text), table)
    except FilterRejected as fault:
        yield Fault(path, str(fault))
