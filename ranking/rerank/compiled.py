"""A surface's rules made ready for one catalogue: what a request would otherwise look up again."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from math import floor
from typing import Final

from features.types import Mask, Scores
from ranking.attributes import Attribute, Attributes
from ranking.catalogue import Catalogue
from ranking.filters.table import Labels, Table
from ranking.plugins import plugin
from ranking.rerank.boosts import catalogue_lift, mask_of
from ranking.rerank.faults import ROLE
from ranking.rerank.groups import CAP, PROMOTION, WHOLE_SLATE, WINDOW, Limit
from ranking.rerank.own import RerankFunction
from ranking.rerank.rules import Cap, Promotion, Rules, Window

NO_LIMIT: Final = 2**31

_ROUNDING: Final = 1e-9  # a tenth of ten places is one place


@dataclass(frozen=True, slots=True)
class Promoted:
    """A promotion and its items, bool[n_items]."""

    name: str
    rule: Promotion
    items: Mask

    def limit(self, places: int) -> Limit:
        """Return how many of so many places its items may have at most."""
        most = floor(self.rule.at_most * places + _ROUNDING)
        most = most if self.rule.at_most < 1 else NO_LIMIT
        return Limit(self.name, most, WHOLE_SLATE, PROMOTION, self.items)


@dataclass(frozen=True, slots=True)
class CompiledRules:
    """Rules with the items they are about.

    ``pins`` are ordinals by place; ``lift`` is float32[n_items], the boosts (`boosts`), None
    without any; ``limits`` are the caps and windows; ``calibrated`` is the calibration's attribute;
    ``explorers`` bool[n_items], None where all items may be explored. ``plain``: there is nothing
    but a diversity, so that `fill` does it all.
    """

    rules: Rules
    attributes: Attributes
    pins: Mapping[int, int]
    lift: Scores | None
    limits: tuple[Limit, ...]
    promoted: tuple[Promoted, ...]
    calibrated: Attribute | None
    explorers: Mask | None
    function: RerankFunction | None
    plain: bool


def compile_rules(
    rules: Rules, table: Table, catalogue: Catalogue, attributes: Attributes | None = None
) -> CompiledRules:
    """Make rules ready; those about what the catalogue has not are left out (see `faults`).

    ``attributes`` of the same table are shared by the surfaces that read it.

    Raises:
        ValueError: the function is not there.
    """
    attributes = attributes or Attributes(table)
    pins = {int(place): catalogue.ordinal(item) for place, item in rules.pins.items()}
    calibration, explore = rules.calibration, rules.explore
    return CompiledRules(
        rules=rules,
        attributes=attributes,
        pins={place: item for place, item in pins.items() if item is not None},
        lift=catalogue_lift(rules.boosts, table) if rules.boosts else None,
        limits=tuple(_limits(rules, attributes)),
        promoted=tuple(
            Promoted(f"promotion {rule.items}", rule, mask_of(rule.items, table))
            for rule in rules.promotions
        ),
        calibrated=attributes.of(calibration.attribute) if calibration else None,
        explorers=mask_of(explore.items, table) if explore and explore.items else None,
        function=plugin(rules.function, ROLE) if rules.function is not None else None,
        plain=rules == Rules(diversity=rules.diversity),
    )


def _limits(rules: Rules, attributes: Attributes) -> Iterator[Limit]:
    for cap in rules.caps:
        yield from _limit("cap", cap, WHOLE_SLATE, CAP, attributes)
    for window in rules.windows:
        yield from _limit("window", window, window.within, WINDOW, attributes)


def _limit(
    kind: str, rule: Cap | Window, within: int, cost: int, attributes: Attributes
) -> Iterator[Limit]:
    attribute = attributes.of(rule.attribute)
    if attribute is None:
        return
    name, only = f"{kind} {rule.attribute}", -1
    if rule.label is not None:
        column = attributes.table.columns[rule.attribute]
        code = column.codes.get(rule.label) if isinstance(column, Labels) else None
        if code is None:
            return
        name, only = f"{name}:{rule.label}", code
    yield Limit(name, rule.most, within, cost, attribute, only)
