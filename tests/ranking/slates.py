"""Slates within rules, place by place, in plain Python, sharing nothing with what is tested.

Only the draws of exploration come from the code under test: random numbers have no reference.
"""

from dataclasses import dataclass, field
from math import ceil, floor, log
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from features.types import Context, Live, Query, Scores, Slate
from ranking.catalogue import Catalogue
from ranking.filters import Table
from ranking.rerank import Rules, arrange, compile_rules
from ranking.rerank.exploration import anyone, explores, thompson
from ranking.snapshot import Snapshot
from tests.ranking.snapshots import context, snapshot

LABELS = tuple("abcdefgh")
FREE = -1


@dataclass
class World:
    """A catalogue with genres and years, a user, and scored candidates."""

    snapshot: Snapshot
    context: Context
    items: NDArray[np.int64]
    scores: Scores

    def arrange(self, rules: dict[str, Any], depth: int = 500, **wanted: Any) -> Slate:
        """Arrange a slate with rules as a TOML file has them."""
        diversity = rules.get("diversity", 0.3)
        query = Query(**{"user_id": "u", "limit": 10, "diversity": diversity} | wanted)
        made = msgspec.convert(rules, Rules)
        compiled = compile_rules(made, self.table, self.snapshot.catalogue)
        return arrange(query, self.context, self.items, self.scores, compiled, self.snapshot, depth)

    @property
    def table(self) -> Table:
        """Return the catalogue's columns."""
        return Table.of(self.snapshot.catalogue.properties)

    def shown(self, slate: Slate) -> list[int]:
        """Return the ordinals of a slate."""
        found: list[int] = self.items[slate.picks].tolist()
        return found

    def labels(self, item: int) -> list[str]:
        """Return an item's genres."""
        found: list[str] = self.snapshot.catalogue.properties[item].get("genre", [])
        return found


def draw(seed: int, n: int = 60, n_items: int = 90, history: int = 12, most: int = 3) -> World:
    """Draw a world; some items have no genre, and some genres are frequent."""
    rng = np.random.default_rng(seed)
    chances = np.array([0.3, 0.2, 0.15, 0.1, 0.1, 0.05, 0.05, 0.05])
    properties = []
    for _ in range(n_items):
        genres = rng.choice(LABELS, rng.integers(0, most + 1), replace=False, p=chances)
        properties.append({"genre": genres.tolist(), "year": int(rng.integers(1950, 2000))})
    catalogue = Catalogue(tuple(map(str, range(n_items))), tuple(properties))
    embeddings = rng.normal(size=(n_items, 24)).astype(np.float32)
    items = np.sort(rng.permutation(n_items)[:n])
    others = np.setdiff1d(np.arange(n_items), items)[:history]
    return World(
        snapshot(n_items, seed, catalogue=catalogue, embeddings=embeddings),
        context(*others.tolist()),
        items,
        rng.normal(size=n).astype(np.float32),
    )


def counted(world: World, seed: int) -> Live:
    """Return counts as events would leave them."""
    rng, n = np.random.default_rng(seed), len(world.snapshot.catalogue)
    shown = rng.integers(0, 200, (2, n))
    clicks = rng.binomial(shown, 0.1)
    none = np.zeros(n, np.float32)
    return Live(
        shown.astype(np.float32),
        clicks.astype(np.float32),
        none,
        np.empty(0, np.int64),
    )


@dataclass
class Reference:
    """One page, filled by reading every rule anew at every place."""

    world: World
    rules: dict[str, Any]
    query: Query
    depth: int = 500
    slate: list[int] = field(default_factory=list)

    def __post_init__(self) -> None:
        world, query = self.world, self.query
        self.props = world.snapshot.catalogue.properties
        self.pool = [
            int(item)
            for item, score in sorted(
                zip(world.items, world.scores, strict=True), key=lambda pair: (-pair[1], pair[0])
            )
            if np.isfinite(score)
        ]
        self.score = dict(zip(world.items.tolist(), world.scores.astype(float), strict=True))
        best = self.pool[: self.depth]
        low, high = self.score[best[-1]], self.score[best[0]]
        self.relevance = {i: (self.score[i] - low) / (high - low) for i in self.pool}
        unit = world.snapshot.directions.astype(np.float64)
        self.cosine = unit @ unit.T
        k = min(query.limit, len(self.pool))
        self.above = [int(world.snapshot.catalogue.ordinal(i) or 0) for i in query.shown]
        self.slate = [FREE] * k
        pins = {int(p): i for p, i in self.rules.get("pins", {}).items()}
        for place, item_id in (pins | dict(query.pins)).items():
            self.slate[place - len(query.shown)] = int(item_id)
        self.pinned = list(self.slate)
        explore = self.rules.get("explore")
        self.draws: dict[int, float] = {}
        self.explores = [False] * k
        if explore:
            self._draw(explore)

    def _draw(self, explore: dict[str, Any]) -> None:
        seed, items = self.world.context.seed, self.world.items
        first, offset = explore.get("first_place", 0), len(self.query.shown)
        self.explores = explores(seed, explore["share"], first, offset, len(self.slate)).tolist()
        if explore.get("method") == "epsilon":
            drawn = anyone(seed, items)
        else:
            drawn = thompson(seed, items, self.world.context.live, 1.0, 20.0)
        among = explore.get("items")
        self.draws = {
            item: value
            for item, value in zip(items.tolist(), drawn.tolist(), strict=True)
            if among is None or self.keeps(among, item)
        }

    def keeps(self, rule: str, item: int) -> bool:
        """Read one of the two kinds of filters the tests use."""
        name, sign, value = rule.split(" ")
        own = self.props[item]
        return own["year"] >= int(value) if sign == ">=" else value.strip("'") in own[name]

    def fill(self) -> list[int]:
        """Fill the free places from the top."""
        for place in range(len(self.slate)):
            if self.slate[place] == FREE:
                self.slate[place] = self.pick(place)
        return self.slate

    def pick(self, place: int) -> int:
        """Take the best of those that break the fewest of the strongest rules."""
        open_ = [item for item in self.pool if item not in self.slate]
        broken = {item: self.broken(item, place) for item in open_}
        if self.explores[place]:
            lucky = [i for i in open_ if broken[i][:3] == (0, 0, 0) and i in self.draws]
            if lucky:
                return max(lucky, key=lambda item: self.draws[item])
        least = min(broken.values())
        return max(
            (i for i in open_ if broken[i] == least), key=lambda item: self.worth(item, place)
        )

    def broken(self, item: int, place: int) -> tuple[int, int, int, bool]:
        """Count what would break if the item stood here: promotions, caps, windows, the depth."""
        promotions = sum(
            rule.get("at_most", 1) < 1
            and self.keeps(rule["items"], item)
            and self.held(rule) >= floor(rule["at_most"] * len(self.slate) + 1e-9)
            for rule in self.rules.get("promotions", ())
        )
        promotions += not self.timely(item, place)
        caps = sum(
            sum(label in self.world.labels(i) for i in self.slate if i != FREE) >= rule["most"]
            for rule in self.rules.get("caps", ())
            for label in self.about(rule, item)
        )
        windows = sum(
            self.crowded(label, place, rule)
            for rule in self.rules.get("windows", ())
            for label in self.about(rule, item)
        )
        return promotions, caps, windows, self.pool.index(item) >= self.depth

    def about(self, rule: dict[str, Any], item: int) -> list[str]:
        """Return which labels of the item the rule counts."""
        return [i for i in self.world.labels(item) if rule.get("label", i) == i]

    def held(self, rule: dict[str, Any]) -> int:
        return sum(self.keeps(rule["items"], i) for i in self.slate if i != FREE)

    def crowded(self, label: str, place: int, rule: dict[str, Any]) -> bool:
        """Tell whether some window around the place has enough of the label without it."""
        line, here = self.above + self.slate, len(self.above) + place
        most, within = rule.get("most", 1), rule["within"]
        for first in range(here - within + 1, here + 1):
            window = [line[i] for i in range(max(0, first), min(len(line), first + within))]
            if sum(i != FREE and label in self.world.labels(i) for i in window) >= most:
                return True
        return False

    def required(self, rule: dict[str, Any], places: int) -> int:
        exact: float = rule.get("at_least", 0) * places
        return ceil(exact - 1e-9) if places == len(self.slate) else floor(exact + 1e-9)

    def timely(self, item: int, place: int) -> bool:
        """Tell whether what promotions still need up to any place fits if the item stands here."""
        rules = [r for r in self.rules.get("promotions", ()) if r.get("at_least")]
        for end in range(place, len(self.slate)):
            free = sum(self.slate[p] == FREE for p in range(place, end + 1))
            missing = [self.missing(rule, end) for rule in rules]
            if 0 < sum(missing) >= free:
                return any(
                    m > 0 and self.keeps(rule["items"], item)
                    for rule, m in zip(rules, missing, strict=True)
                )
        return True

    def missing(self, rule: dict[str, Any], end: int) -> int:
        """Return how many more of a promotion's items the places up to ``end`` need."""
        pinned = [i for i in self.pinned if i != FREE and self.keeps(rule["items"], i)]
        early = [i for i in self.pinned[: end + 1] if i in pinned]
        left = sum(self.keeps(rule["items"], i) for i in self.pool) - len(pinned)
        owed = min(max(self.required(rule, end + 1) - len(early), 0), left)
        return max(0, owed - (self.held(rule) - len(pinned)))

    def worth(self, item: int, place: int) -> float:
        """Return what the item adds there: equation 5 of Steck inside of MMR or of a DPP."""
        diversity = self.query.diversity
        there = [i for i in self.slate if i != FREE]
        strength = self.rules.get("calibration", {}).get("strength", 0.5)
        worth = self.relevance[item]
        if "calibration" in self.rules and self.taste():
            worth = (1 - strength) * worth - strength * self.divergence([*there, item])
        if self.rules.get("method") == "dpp" and diversity:
            chosen = [*there, item]
            volume = np.linalg.slogdet(self.cosine[np.ix_(chosen, chosen)]).logabsdet
            return float((1 - diversity) * worth + diversity * volume)
        diversity *= min(1.0, (len(self.query.shown) + place) / 9)  # docs: full from place 9 on
        near = max((self.cosine[item, i] for i in there), default=0.0)
        return float((1 - diversity) * worth - diversity * near)

    def taste(self) -> dict[str, float]:
        history = [i for i in self.world.context.history.tolist() if self.world.labels(i)]
        return self.shares(history, len(history))

    def shares(self, items: list[int], count: int) -> dict[str, float]:
        found: dict[str, float] = {}
        for item in items:
            for label in self.world.labels(item):
                share = 1 / (len(self.world.labels(item)) * count)
                found[label] = found.get(label, 0.0) + share
        return found

    def divergence(self, slate: list[int]) -> float:
        """Return KL(taste || slate), the slate's shares smoothed by the taste's."""
        taste, shares = self.taste(), self.shares(slate, len(slate))
        return sum(
            p * log(p / (0.99 * shares.get(label, 0.0) + 0.01 * p)) for label, p in taste.items()
        )
