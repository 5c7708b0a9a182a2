"""Each rule against a plain reading of docs/rerank.md, together, and where they cannot be kept."""

import itertools
import sys
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from types import ModuleType
from typing import Any

import msgspec
import numpy as np
import pytest

from features.types import Query, Slate
from ranking.attributes import Attribute
from ranking.filters.table import Labels, Table
from ranking.rerank import (
    Rules,
    arrange,
    boost_faults,
    compile_rules,
    depth_for,
    faults,
    fill,
    groups,
    pin_faults,
    showings,
    within,
)
from tests.contracts import RerankerContract
from tests.ranking.slates import Reference, World, counted, draw

GENRE = {"attribute": "genre"}
RULES: dict[str, dict[str, Any]] = {
    "MMR": {},
    "DPP": {"method": "dpp"},
    "no diversity": {"diversity": 0.0},
    "a cap": {"caps": [{**GENRE, "most": 2}]},
    "a cap on one label": {"caps": [{**GENRE, "label": "a", "most": 1}]},
    "a cap that cannot be kept": {"caps": [{**GENRE, "most": 1}]},
    "a window": {"windows": [{**GENRE, "within": 3}]},
    "two windows": {
        "windows": [
            {**GENRE, "within": 4, "most": 2},
            {**GENRE, "within": 6, "label": "b"},
        ]
    },
    "calibration": {"calibration": {**GENRE, "strength": 0.6}},
    "calibration of a DPP": {"calibration": {**GENRE, "strength": 0.4}, "method": "dpp"},
    "calibration alone": {"calibration": {**GENRE, "strength": 0.9}, "diversity": 0.0},
    "a promotion": {"promotions": [{"items": "year >= 1980", "at_least": 0.4}]},
    "two promotions": {
        "promotions": [
            {"items": "year >= 1990", "at_least": 0.3},
            {"items": "genre = 'c'", "at_least": 0.3},
        ]
    },
    "at most a share": {"promotions": [{"items": "year >= 1970", "at_most": 0.3}]},
    "Thompson sampling": {"explore": {"share": 0.4}},
    "an epsilon slot": {
        "explore": {
            "share": 0.4, "method": "epsilon", "first_place": 2, "items": "year >= 1970"
        }
    },
    "all of it": {
        "caps": [{**GENRE, "most": 3}],
        "windows": [{**GENRE, "within": 3, "most": 2}],
        "promotions": [{"items": "year >= 1980", "at_least": 0.4}],
        "calibration": {**GENRE, "strength": 0.3},
        "explore": {"share": 0.2},
    },
}  # fmt: skip


@pytest.mark.parametrize("name", RULES)
@pytest.mark.parametrize("seed", range(8))
def test_a_slate_is_what_a_plain_reading_of_its_rules_gives(name: str, seed: int) -> None:
    rules, world = RULES[name], draw(seed)
    world.context = replace(world.context, seed=seed, live=counted(world, seed))
    wanted = Query(diversity=rules.get("diversity", 0.3), limit=10)
    pinned = replace(wanted, pins={2: str(world.items[0]), 5: str(world.items[3])})
    second_page = replace(wanted, shown=tuple(map(str, world.context.history[:5])))
    for query in (wanted, pinned, second_page):
        for depth in (500, 15):
            slate = world.arrange(rules, depth, pins=query.pins, shown=query.shown)
            assert world.shown(slate) == Reference(world, rules, query, depth).fill()
            assert len(slate.moves) in (0, 10)


def counts(world: World, slate: Slate) -> Counter[str]:
    return Counter(label for item in world.shown(slate) for label in world.labels(item))


def crowded(world: World, items: Sequence[int], within: int, most: int) -> bool:
    for first in range(len(items) - 1):
        window = [label for item in items[first : first + within] for label in world.labels(item)]
        if max(Counter(window).values(), default=0) > most:
            return True
    return False


@pytest.mark.parametrize("seed", range(20))
def test_mmr_and_dpp_diversity_alone_are_bit_for_bit_what_they_were(seed: int) -> None:
    world = draw(seed, n=90, n_items=300)
    world.scores[::9] = [np.nan, 1.0, -np.inf, 1.0, 1.0, 1.0, 1.0, np.nan, 1.0, 1.0]
    never = {"caps": [{**GENRE, "most": 200}], "windows": [{**GENRE, "within": 2, "most": 2}]}
    others = tuple(map(str, world.context.history.tolist()))
    for rules, shown in itertools.product(({}, never), ((), others[:4], others)):
        slate = world.arrange(rules, 40, limit=20, shown=shown)
        arguments = (world.snapshot.directions, 20, 0.3, 40, len(shown))
        picks = fill(world.items, world.scores, *arguments)
        assert slate.picks.tolist() == picks.tolist()
        assert slate.scores.tobytes() == world.scores[picks].tobytes()
        assert not any(slate.moves)
        assert slate.relaxed == ()


@pytest.mark.parametrize("method", ["mmr", "dpp"])
def test_mmr_and_dpp_diversity_make_a_slate_less_alike(method: str) -> None:
    nearness = {}
    for diversity in (0.0, 0.7):
        total = 0.0
        for seed in range(10):
            world = draw(seed)
            slate = world.arrange({"method": method, "diversity": diversity})
            units = world.snapshot.directions[world.shown(slate)]
            total += float((units @ units.T).sum())
        nearness[diversity] = total
    assert nearness[0.7] < nearness[0.0]


@pytest.mark.parametrize("seed", range(10))
def test_attribute_caps_and_windows_hold_or_are_told(seed: int) -> None:
    world = draw(seed, n=200, n_items=240)
    for most in (1, 2, 4, 9):
        capped = world.arrange({"caps": [{**GENRE, "most": most}]})
        too_many = max(counts(world, capped).values()) > most
        assert capped.relaxed == (("cap genre",) if too_many else ())
    for places, most in ((2, 1), (4, 1), (5, 2), (9, 4)):
        spread = world.arrange({"windows": [{**GENRE, "within": places, "most": most}]})
        expected = ("window genre",) if crowded(world, world.shown(spread), places, most) else ()
        assert spread.relaxed == expected
    generous = world.arrange({"caps": [{**GENRE, "label": "a", "most": 2}]})
    assert generous.relaxed == ()
    assert counts(world, generous)["a"] <= 2
    assert "cap" in generous.moves or counts(world, world.arrange({}))["a"] <= 2


def test_a_cap_is_kept_from_deeper_down_where_the_best_cannot_keep_it() -> None:
    world = draw(3, n=300, n_items=400, most=1)
    best = np.argsort(-world.scores)[:20]
    for pick in best:
        world.snapshot.catalogue.properties[world.items[pick]]["genre"] = ["a"]
    slate = world.arrange({"caps": [{**GENRE, "label": "a", "most": 2}]}, depth=20)
    assert slate.relaxed == ()
    assert counts(world, slate)["a"] == 2
    assert not np.isin(slate.picks[2:], best).all()


def test_windows_go_on_from_the_page_before() -> None:
    world = draw(5, n=80)
    rules = {"windows": [{**GENRE, "within": 5}], "diversity": 0.0}
    first = world.arrange(rules, limit=10)
    shown = world.shown(first)
    kept = ~np.isin(world.items, shown)
    rest = replace_candidates(world, kept)
    second = rest.arrange(rules, limit=10, shown=tuple(map(str, shown)))
    line = [*shown, *rest.shown(second)]
    assert len(set(line)) == 20
    if not first.relaxed and not second.relaxed:
        assert not crowded(world, line, 5, 1)
    assert second.relaxed == (("window genre",) if crowded(world, line[6:], 5, 1) else ())


def replace_candidates(world: World, kept: Any) -> World:
    return replace(world, items=world.items[kept], scores=world.scores[kept])


@pytest.mark.parametrize("seed", range(10))
def test_pin_boost_promote(seed: int) -> None:
    world = draw(seed)
    last, other = (str(world.items[at]) for at in np.argsort(world.scores)[:2])
    rules = {
        "pins": {"4": last},
        "boosts": {"genre:e": 1000.0},
        "promotions": [{"items": "year >= 1990", "at_least": 0.3}],
    }
    slate = world.arrange(rules, pins={0: other})
    shown = world.shown(slate)
    assert shown[4] == int(last)
    assert shown[0] == int(other)
    assert slate.moves[0] == slate.moves[4] == "pin"
    years = [world.snapshot.catalogue.properties[item]["year"] for item in shown]
    assert sum(year >= 1990 for year in years) >= 3 or slate.relaxed
    lifted = counts(world, world.arrange({"boosts": {"genre:e": 1000.0}, "diversity": 0.0}))["e"]
    there = sum("e" in world.labels(item) for item in world.items.tolist())
    assert lifted == min(10, there)


@pytest.mark.parametrize("shift", [-50.0, 0.0, 50.0])
@pytest.mark.parametrize("scale", [0.01, 1.0, 100.0])
def test_a_boost_above_one_is_up_whatever_the_scores_are(shift: float, scale: float) -> None:
    world = draw(1)
    order = world.arrange({"diversity": 0.0}, limit=60).picks.tolist()
    world.scores = world.scores * np.float32(scale) + np.float32(shift)

    def places(boost: dict[str, float], **wanted: Any) -> list[int]:
        picks = world.arrange({"diversity": 0.0, **wanted}, limit=60, boosts=boost).picks.tolist()
        return [picks.index(pick) for pick in range(60)]

    before = [order.index(pick) for pick in range(60)]
    members = ["a" in world.labels(item) for item in world.items.tolist()]
    for factor, wanted in ((1.5, 1), (0.5, -1)):
        after = places({"genre:a": factor})
        moved = [was - now for was, now, one in zip(before, after, members, strict=True) if one]
        assert all(step * wanted >= 0 for step in moved)
        assert any(moved)
        assert after == places({}, boosts={"genre:a": factor})
        assert after == places({}, boosts={"genre = 'a'": factor})
    neutral = places({"genre:a": 2.0}, boosts={"genre:a": 0.5})
    assert sum(a != b for a, b in zip(neutral, before, strict=True)) <= 4  # float32 rounds


def test_pins_count_from_the_first_page_and_are_shown_nowhere_else() -> None:
    world = draw(2)
    best = int(world.items[np.argmax(world.scores)])
    rules = {"pins": {"13": str(best)}}
    first = world.arrange(rules)
    assert best not in world.shown(first)
    shown = world.shown(first)
    rest = replace_candidates(world, ~np.isin(world.items, shown))
    second = rest.arrange(rules, shown=tuple(map(str, shown)))
    assert rest.shown(second)[3] == best
    assert second.relaxed == ()


def test_a_pin_that_cannot_be_kept_is_told() -> None:
    world = draw(2, n=6)
    blocked = int(world.context.history[0])
    missing = world.arrange({"pins": {"1": str(blocked)}})
    assert missing.relaxed == ("pin 1",)
    assert len(missing.picks) == 6
    low = str(world.items[np.argmin(world.scores)])
    short = world.arrange({"pins": {"8": low}})
    assert world.shown(short)[-1] == int(low)
    assert (short.relaxed, len(short.picks)) == (("pin 8",), 6)


def test_a_pin_stands_although_its_score_is_no_number() -> None:
    world = draw(2)
    world.scores[[4, 9]] = np.nan, np.inf
    slate = world.arrange({"pins": {"0": str(world.items[4]), "2": str(world.items[9])}})
    assert slate.picks[[0, 2]].tolist() == [4, 9]
    assert slate.scores[[0, 2]].tolist() == [0, 0], "JSON has no other word for it"
    assert np.isfinite(slate.scores).all()


def test_the_request_goes_before_its_surface_where_both_pin() -> None:
    world = draw(2)
    a, b, c = map(str, world.items[:3])
    slate = world.arrange({"pins": {"0": a, "1": b}}, pins={0: b, 2: c})
    assert world.shown(slate)[0] == int(b)
    assert world.shown(slate)[2] == int(c)
    assert world.shown(slate)[1] != int(b)


def test_promoted_items_are_spread_evenly() -> None:
    world = draw(4, n=200, n_items=240)
    rule = {"items": "year >= 1995", "at_least": 0.5}
    slate = world.arrange({"promotions": [rule]}, limit=20)
    new = [world.snapshot.catalogue.properties[item]["year"] >= 1995 for item in world.shown(slate)]
    assert slate.relaxed == ()
    assert all(sum(new[: end + 1]) >= (end + 1) // 2 for end in range(20))
    assert "promotion" in slate.moves


def test_infeasible_rules_relax_in_the_documented_order() -> None:
    world = draw(6, n=40, most=1)
    for item in world.items.tolist():
        year = 1990 if item == world.items[0] else 1960
        world.snapshot.catalogue.properties[item].update(genre=["a"], year=year)
    cap = {"caps": [{**GENRE, "most": 2}]}
    window = {"windows": [{**GENRE, "within": 2}]}
    old = {"promotions": [{"items": "year >= 1980", "at_most": 0.0}]}
    # Every item is in the only genre: caps and windows cannot be kept, what is hidden can.
    slate = world.arrange(cap | window | old)
    assert slate.relaxed == ("cap genre", "window genre")
    assert 0 not in slate.picks
    assert len(slate.picks) == 10
    # Nine places go to another genre: one window breaks, the cap holds.
    for item in world.items[1:10].tolist():
        world.snapshot.catalogue.properties[item].update(genre=[])
    mixed = world.arrange(
        {"caps": [{**GENRE, "most": 1}], "windows": [{**GENRE, "within": 2}]}, limit=10
    )
    assert mixed.relaxed == ()
    pins = {"0": str(world.items[20]), "1": str(world.items[21])}
    pinned = world.arrange({"pins": pins} | cap | window)
    assert pinned.relaxed == ("window genre",)
    assert counts(world, pinned)["a"] == 2


def test_a_promotion_that_has_too_few_items_is_told() -> None:
    world = draw(7)
    few = {"promotions": [{"items": "year >= 1999", "at_least": 0.9}]}
    there = sum(
        world.snapshot.catalogue.properties[item]["year"] >= 1999 for item in world.items.tolist()
    )
    slate = world.arrange(few)
    got = sum(
        world.snapshot.catalogue.properties[item]["year"] >= 1999 for item in world.shown(slate)
    )
    assert got == there < 9
    assert slate.relaxed == ("promotion year >= 1999",)


def test_calibration_brings_the_slate_closer_to_the_taste() -> None:
    def divergence(strength: float) -> float:
        total = 0.0
        for seed in range(20):
            world = draw(seed)
            rules = {"calibration": {**GENRE, "strength": strength}, "diversity": 0.0}
            slate = world.arrange(rules)
            total += Reference(world, rules, Query(limit=10)).divergence(world.shown(slate))
        return total

    assert divergence(0.9) < divergence(0.5) < divergence(0.0)


def test_calibration_without_a_history_changes_nothing() -> None:
    world = draw(0, history=0)
    plain = world.arrange({})
    assert world.arrange({"calibration": GENRE}).picks.tolist() == plain.picks.tolist()


def test_exploration_bandits_draw_by_the_seed_alone() -> None:
    world = draw(8, n=80)
    live = counted(world, 8)
    for how in ({"share": 0.5}, {"share": 0.5, "method": "epsilon"}):
        slates = set()
        for seed in range(30):
            seeded = replace(world, context=replace(world.context, seed=seed, live=live))
            once, again = (seeded.arrange({"explore": how}) for _ in range(2))
            assert once.picks.tolist() == again.picks.tolist()
            assert once.moves == again.moves
            assert len(set(once.picks.tolist())) == 10
            slates.add(tuple(once.picks.tolist()))
        assert len(slates) > 20


def test_exploration_bandits_find_what_is_clicked_and_try_what_is_new() -> None:
    world = draw(9, n=60)
    shown = np.full((2, len(world.snapshot.catalogue)), 1000.0, np.float32)
    clicks = np.full_like(shown, 20.0)
    liked, new = world.items[[5, 6]]
    clicks[:, liked] = 400.0
    shown[:, new] = clicks[:, new] = 0.0
    live = replace(counted(world, 0), impressions=shown, clicks=clicks)
    explored = Counter[int]()
    for seed in range(300):
        seeded = replace(world, context=replace(world.context, seed=seed, live=live))
        slate = seeded.arrange({"explore": {"share": 1.0}}, limit=2)
        explored.update(world.shown(slate))
        assert set(slate.moves) == {"explore"}
    assert explored[int(liked)] == 300
    assert explored[int(new)] > 150


def test_each_place_explores_with_its_chance_and_none_before_the_first() -> None:
    world = draw(9, n=60)
    explored = np.zeros(10)
    for seed in range(400):
        seeded = replace(world, context=replace(world.context, seed=seed))
        how = {"share": 0.25, "method": "epsilon", "first_place": 3}
        explored += [move == "explore" for move in seeded.arrange({"explore": how}).moves]
    assert not explored[:3].any()
    assert (np.abs(explored[3:] / 400 - 0.25) < 0.08).all()


def test_exploration_breaks_no_rule() -> None:
    for seed in range(20):
        world = draw(seed, n=80)
        world.context = replace(world.context, seed=seed)
        rules = {"explore": {"share": 0.6}, "caps": [{**GENRE, "most": 3}]}
        slate = world.arrange(rules)
        if not slate.relaxed:
            assert max(counts(world, slate).values()) <= 3
    every = {"explore": {"share": 1.0, "items": "year >= 3000"}}
    assert not any(world.arrange(every).moves)


def test_seen_served_dedupe_rotation_lowers_and_hides_what_was_shown() -> None:
    world = draw(10)
    best = world.items[np.argsort(-world.scores)[:3]]
    served = np.array([best[0]] * 4 + [best[1]] + [best[2]] * 2 + [world.context.history[0]])
    ages_s = np.array([1, 2, 3, 4000, 5, 6, 7, 8], np.float32)
    context = replace(world.context, served=served, served_ages_s=ages_s)
    seen = showings(context, 3600.0)
    assert dict(zip(seen.items.tolist(), seen.times.tolist(), strict=True)) == {
        int(best[0]): 3, int(best[1]): 1, int(best[2]): 2,
    }  # fmt: skip
    assert seen.hidden(2).tolist() == sorted([int(best[0]), int(best[2])])
    lift = seen.lift(0.5, world.items)
    expected = np.zeros(len(lift))
    expected[np.searchsorted(world.items, best)] = np.log(0.5) * np.array([3, 1, 2])
    assert np.allclose(lift, expected)
    assert not showings(world.context, 3600.0).lift(0.5, world.items).any()


def test_rotation_changes_what_is_on_top() -> None:
    world = draw(10)
    rules = compile_rules(Rules(), world.table, world.snapshot.catalogue)
    best = world.items[np.argsort(-world.scores)[:3]]
    context = replace(
        world.context, served=np.repeat(best, 9), served_ages_s=np.ones(27, np.float32)
    )
    lift = showings(context, 60.0).lift(0.5, world.items)
    query = Query(limit=10, diversity=0.0)
    arguments = (query, context, world.items, world.scores, rules, world.snapshot, 100)
    assert not np.isin(world.items[arrange(*arguments, lift).picks], best).any()
    assert world.items[arrange(*arguments).picks[:3]].tolist() == best.tolist()


@pytest.mark.parametrize("name", RULES)
def test_a_slate_is_filled_as_far_as_candidates_go(name: str) -> None:
    for n in (0, 1, 2, 5, 129):
        world = draw(n, n=n, n_items=150)
        for limit in (1, 4, 200):
            slate = world.arrange(RULES[name], depth_for(limit), limit=limit)
            assert len(slate.picks) == min(n, limit)
            assert len(set(slate.picks.tolist())) == len(slate.picks)


@pytest.mark.parametrize("name", RULES)
def test_no_score_that_is_no_number_and_ties_by_index(name: str) -> None:
    world = draw(0)
    world.scores[:] = 1.0
    world.scores[::3] = np.nan
    slate = world.arrange(RULES[name], limit=60)
    assert sorted(slate.picks.tolist()) == [i for i in range(60) if i % 3]
    world.scores[:] = np.nan
    assert len(world.arrange(RULES[name]).picks) == 0


@pytest.mark.parametrize("name", RULES)
def test_a_catalogue_without_the_attributes_is_no_obstacle(name: str) -> None:
    world = draw(0)
    bare: tuple[dict[str, Any], ...] = tuple({} for _ in world.snapshot.catalogue.properties)
    catalogue = replace_properties(world, bare)
    assert len(catalogue.arrange(RULES[name]).picks) == 10


def replace_properties(world: World, properties: tuple[dict[str, Any], ...]) -> World:
    catalogue = type(world.snapshot.catalogue)(world.snapshot.catalogue.ids, properties)
    changed = draw(0)
    object.__setattr__(changed.snapshot, "catalogue", catalogue)
    return changed


def test_threads_at_once_arrange_alike() -> None:
    world = draw(11, n=90)
    world.context = replace(world.context, seed=4, live=counted(world, 4))
    alone = world.arrange(RULES["all of it"])

    def again(_: int) -> bool:
        slate = world.arrange(RULES["all of it"])
        return slate.picks.tolist() == alone.picks.tolist() and slate.moves == alone.moves

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(again, range(64)))


@pytest.mark.parametrize(
    ("rules", "path", "reason"),
    [
        ({"caps": [{"attribute": "gnre", "most": 1}]}, "caps.0.attribute", "there are genre"),
        ({"caps": [{"attribute": "year", "most": 1}]}, "caps.0.attribute", "column of texts"),
        ({"caps": [{**GENRE, "most": 1, "label": "z"}]}, "caps.0.label", "it has a, b"),
        ({"windows": [{"attribute": "x", "within": 2}]}, "windows.0.attribute", "'x'"),
        ({"calibration": {"attribute": "x"}}, "calibration.attribute", "'x'"),
        ({"promotions": [{"items": "yaer > 1"}]}, "promotions.0.items", "no column 'yaer'"),
        ({"explore": {"share": 0.1, "items": "year >"}}, "explore.items", "expected a number"),
        ({"boosts": {"genre:z": 2.0}}, "boosts.genre:z", "no 'z'"),
        ({"boosts": {"yaer > 1": 2.0}}, "boosts.yaer > 1", "no column 'yaer'"),
        ({"pins": {"0": "nobody"}}, "pins.0", "no item 'nobody'"),
        ({"function": "nowhere:f"}, "function", "cannot import 'nowhere'"),
    ],
)
def test_what_a_catalogue_lacks_is_named(rules: dict[str, Any], path: str, reason: str) -> None:
    world = draw(0)
    [fault] = faults(msgspec.convert(rules, Rules), world.table, world.snapshot.catalogue)
    assert ".".join(fault.path) == path
    assert reason in fault.reason


def test_a_requests_own_faults_are_named() -> None:
    world = draw(0)
    pins = pin_faults({"0": "1", "1": "1", "2": "nobody"}, world.snapshot.catalogue)
    assert [".".join(fault.path) for fault in pins] == ["pin.1", "pin.2"]
    boosts = boost_faults(
        {"genre:a": 2.0, "genre:z": 2.0, "year > 3": 2.0, "x:y": 1.0}, world.table
    )
    assert [fault.path[-1] for fault in boosts] == ["genre:z", "year > 3", "x:y"]


@pytest.mark.parametrize(
    "rules",
    [
        {"diversity": 1.1},
        {"caps": [{**GENRE, "most": 0}]},
        {"windows": [{**GENRE, "within": 1}]},
        {"pins": {"-1": "a"}},
        {"pins": {"0": "a", "1": "a"}},
        {"boosts": {"genre:a": 0.0}},
        {"promotions": [{"items": "year > 1", "at_least": 0.6, "at_most": 0.5}]},
        {"explore": {"share": 0.1, "prior_clicks": 20.0}},
        {"method": "magic"},
        {"cap": []},
    ],
)
def test_settings_that_cannot_be_meant_are_refused(rules: dict[str, Any]) -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert(rules, Rules)


def by_title(
    ids: list[str], scores: list[float], properties: list[dict[str, Any]], limit: int
) -> list[int]:
    """Put the oldest first, and leave those without a genre out."""
    kept = [i for i in range(len(ids)) if properties[i].get("genre")]
    return sorted(kept, key=lambda i: (properties[i]["year"], -scores[i]))


class TestOwnReranker(RerankerContract):
    @pytest.fixture
    def rerank(self) -> Any:
        return by_title


def own(monkeypatch: pytest.MonkeyPatch, function: Any) -> dict[str, Any]:
    module = ModuleType("a_rerankers_module")
    module.__dict__["rerank"] = function
    monkeypatch.setitem(sys.modules, "a_rerankers_module", module)
    return {"function": "a_rerankers_module:rerank"}


def test_an_own_re_ranker_decides_the_order_and_the_rules_hold_all_the_same(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    world, rules = draw(1), own(monkeypatch, by_title)
    plain = world.arrange(rules)
    years = [world.snapshot.catalogue.properties[item]["year"] for item in world.shown(plain)]
    assert years == sorted(years)
    assert all(world.labels(item) for item in world.shown(plain))
    left_out = next(i for i in world.items.tolist() if not world.labels(i))
    ruled = world.arrange(
        rules | {"caps": [{**GENRE, "most": 3}], "pins": {"2": str(left_out)}}, limit=5
    )
    assert world.shown(ruled)[2] == left_out
    assert max(counts(world, ruled).values()) <= 3


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (None, TypeError),
        ([0.5], TypeError),
        ([True], TypeError),
        ([0, 0], ValueError),
        ([-1], ValueError),
        ([60], ValueError),
    ],
)
def test_an_own_re_ranker_that_answers_badly_is_told(
    monkeypatch: pytest.MonkeyPatch, answer: Any, error: type[Exception]
) -> None:
    rules = own(monkeypatch, lambda *_: answer)
    with pytest.raises(error, match=r"re-ranker|pick"):
        draw(1).arrange(rules)


def test_an_attribute_by_item_is_the_column_by_label() -> None:
    rows: list[dict[str, Any]] = [
        {"genre": ["b", "a", "b"]},
        {},
        {"genre": []},
        {"genre": ["c"]},
        {"genre": ["a"]},
    ]
    table = Table.of(rows)
    column = table.columns["genre"]
    assert isinstance(column, Labels)
    attribute = Attribute.of(column)
    names = list(column.codes)
    found = [
        {names[code] for code in attribute.codes[low:high]}
        for low, high in itertools.pairwise(attribute.starts.tolist())
    ]
    assert found == [{"a", "b"}, set(), set(), {"c"}, {"a"}]
    assert len(attribute.codes) == 4


def test_the_kernel_and_the_groups_weigh_rules_alike() -> None:
    assert (within._RESERVE, within._CAP, within._PROMOTION) == (
        groups.RESERVE,
        groups.CAP,
        groups.PROMOTION,
    )
