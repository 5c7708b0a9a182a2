"""A surface's sources: settings, their faults, calls, and offers gathered in any way."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from features.types import Context, Items, Mask
from ranking.masks import blocked
from ranking.retrieval import (
    DEFAULT,
    SOURCES,
    Call,
    Found,
    SourceSettings,
    check_sources,
    gather,
    merge,
    plan,
    provenance,
    retrieve,
)
from ranking.retrieval.credit import credit
from ranking.retrieval.gather import Work
from ranking.retrieval.own import OwnSource, checked
from ranking.retrieval.trial import trial
from ranking.snapshot import Snapshot
from ranking.surfaces import SurfacesRejected, parse
from tests.contracts import SourceContract
from tests.ranking import plain
from tests.ranking.snapshots import context, live, ordinals, rich, snapshot

EVERY = {
    **{name: SourceSettings(quota=20) for name in SOURCES},
    "picks": SourceSettings(quota=5, items=("9", "3", "400")),
    "own": SourceSettings(quota=10, function=f"{__name__}:odd_items"),
}


def odd_items(_: Context, snapshot: Snapshot, blocked: Mask, k: int) -> tuple[Items, list[float]]:
    """Offer odd ordinals, the highest first: a source of somebody's own."""
    items = np.arange(len(snapshot.catalogue) - 1, -1, -1)
    items = items[(items % 2 == 1) & ~blocked[items]][:k]
    return items, [1.0 / (1 + place) for place in range(len(items))]


class TestOwnSource(SourceContract):
    @pytest.fixture
    def source(self) -> OwnSource:
        return OwnSource("own", odd_items)

    @pytest.fixture
    def asker(self) -> Context:
        return context(3, 8)

    @pytest.fixture
    def world(self) -> Snapshot:
        return rich()


def asked() -> tuple[Context, Snapshot, Mask]:
    asker = replace(context(3, 17, 8, 21, exclude=(40,)), live=live(500), seed=5)
    made = rich()
    return asker, made, blocked(asker, made)


def test_several_candidate_sources_are_merged_in_one_request() -> None:
    asker, made, mask = asked()
    calls = plan(EVERY, made.catalogue)
    names = tuple(call.name for call in calls)
    offers = gather(calls, asker, made, mask)
    found = merge(asker, made, offers, names)
    assert found.sources == names == tuple(EVERY)
    assert (np.diff(found.items) > 0).all()
    for name, column, offer in zip(names, found.scores.T, offers, strict=True):
        assert offer is not None
        assert len(offer.items) <= EVERY[name].quota
        assert bool(len(offer.items)) != (name == "again")  # what was seen is hidden here
        assert found.items[~np.isnan(column)].tolist() == sorted(offer.items.tolist())
        assert column[np.searchsorted(found.items, offer.items)].tolist() == offer.scores.tolist()


def test_own_source_as_a_plug_in_is_a_python_function() -> None:
    asker, made, mask = asked()
    [call] = plan({"own": EVERY["own"]}, made.catalogue)
    found = call.ask(asker, made, mask)
    assert found.items.tolist() == [i for i in range(499, 0, -2) if not mask[i]][:10]
    assert call.aside


def test_offers_gathered_at_once_are_those_gathered_in_turn() -> None:
    asker, made, mask = asked()
    slow = {name: msgspec.structs.replace(one, deadline_ms=500.0) for name, one in EVERY.items()}
    calls = plan(slow, made.catalogue)
    assert all(call.aside for call in calls)
    serial = gather(plan(EVERY, made.catalogue), asker, made, mask)
    with ThreadPoolExecutor(4) as pool:

        def begin(_: Call, work: Work) -> Callable[[], Found]:
            return pool.submit(work).result

        for _ in range(20):
            parallel = gather(calls, asker, made, mask, begin=begin)
            for one, other in zip(parallel, serial, strict=True):
                assert one is not None
                assert other is not None
                assert one.items.tobytes() == other.items.tobytes()
                assert one.scores.tobytes() == other.scores.tobytes()


def test_asides_begin_before_the_others_are_asked_and_are_waited_for_last() -> None:
    asker, made, mask = asked()
    order: list[str] = []

    def noted(name: str) -> Any:
        def source(*_: Any) -> Found:
            order.append(f"ask {name}")
            return Found(ordinals(1), np.ones(1, np.float32))

        return source

    def begin(call: Call, work: Work) -> Work:
        order.append(f"begin {call.name}")

        def wait() -> Found:
            order.append(f"wait for {call.name}")
            return work()

        return wait

    calls = [
        Call("here", noted("here"), 5, None, spreads=False, aside=False),
        Call("aside", noted("aside"), 5, 10.0, spreads=False, aside=True),
    ]
    gather(calls, asker, made, mask, begin=begin)
    assert order == ["begin aside", "ask here", "wait for aside", "ask aside"]


HOME = {
    **DEFAULT,
    "segment": SourceSettings(quota=50),
    "trending": SourceSettings(quota=50),
    "latest": SourceSettings(quota=10),
}


def offered_by(name: str, asker: Context, made: Snapshot) -> int:
    calls = plan(HOME, made.catalogue)
    offers = gather(calls, asker, made, blocked(asker, made))
    found = merge(asker, made, offers, tuple(HOME))
    assert len(found.items) >= 100
    return int((~np.isnan(found.scores[:, [*HOME].index(name)])).sum())


def test_cold_start_users_and_anonymous_sessions_are_offered_what_is_known_of_them() -> None:
    made = rich()
    stranger = replace(context(), known=False)
    newcomer, session = context(), replace(context(7, 9), known=False, ages_s=np.zeros(2, "f4"))
    for asker in (stranger, newcomer, session):
        assert offered_by("popularity", asker, made) == 100
        assert offered_by("segment", asker, made) == 50
        assert offered_by("latest", asker, made) == 10
        assert offered_by("trending", asker, made) == 0
        assert offered_by("trending", replace(asker, live=live(500)), made) == 50
    assert not offered_by("vector", newcomer, made)
    assert offered_by("vector", session, made) == 200
    assert offered_by("cooccurrence", session, made) > 0


def test_a_source_that_is_late_leaves_a_column_without_offers() -> None:
    asker, made, mask = asked()
    calls = plan(EVERY, made.catalogue)
    offers = gather(calls, asker, made, mask, begin=lambda *_: lambda: None)
    found = merge(asker, made, offers, tuple(EVERY))
    without = [name for name in EVERY if name != "own"]
    rest = merge(asker, made, offers[:-1], tuple(without))
    assert np.isnan(found.scores[:, -1]).all()
    assert found.items.tolist() == rest.items.tolist()


def test_a_surface_that_names_no_sources_has_the_default_ones() -> None:
    asker, made, mask = asked()
    calls = plan({}, made.catalogue)
    assert [call.name for call in calls] == [*DEFAULT]
    found = merge(asker, made, gather(calls, asker, made, mask), tuple(DEFAULT))
    assert found.items.tolist() == retrieve(asker, made).items.tolist()


SOME = st.lists(
    st.dictionaries(st.integers(0, 49), st.sampled_from([0.0, 0.5, 1.0, -2.0]), max_size=12)
    | st.none(),
    min_size=1,
    max_size=12,
)


@given(SOME)
def test_any_offers_of_any_sources_are_united_as_numpy_unites_them(
    drawn: list[dict[int, float] | None],
) -> None:
    made, asker = snapshot(), context(3, 9)
    found = [
        None
        if offer is None
        else Found(np.array([*offer], np.int64), np.array([*offer.values()], np.float32))
        for offer in drawn
    ]
    names = tuple(f"source {place}" for place in range(len(found)))
    empty = Found(ordinals(), np.empty(0, np.float32))
    expected = plain.merge(asker, made, [empty if offer is None else offer for offer in found])
    ours = merge(asker, made, found, names)
    assert ours.items.tolist() == expected.items.tolist()
    np.testing.assert_array_equal(ours.scores, expected.scores)
    assert ours.sources == names
    picks = np.arange(len(ours.items))
    credited = np.empty(len(picks), np.int64)
    credit(np.ascontiguousarray(ours.scores.T), picks, credited)
    for pick, source in zip(picks.tolist(), credited.tolist(), strict=True):
        who = provenance(ours, pick)
        assert who[0] == names[source]
        item = int(ours.items[pick])
        assert {*who} == {name for name, o in zip(names, drawn, strict=True) if o and item in o}


MASK = np.arange(50) % 10 == 0


@pytest.mark.parametrize(
    ("offer", "fault"),
    [
        (None, "NoneType, not"),
        ([1, 2, 3], "list, not"),
        (([1, 2], [0.5]), "shapes"),
        (([[1], [2]], [[0.5], [1.0]]), "shapes"),
        ((["1"], [0.5]), "ordinals"),
        (([1.0], [0.5]), "ordinals"),
        (([1], ["much"]), "numbers"),
        (([1], [True]), "numbers"),
        (([[1], [2, 3]], [1.0, 2.0]), "no arrays"),
        (([1, 2, 3, 4, 5], [1.0] * 5), "the best 4"),
        (([50], [1.0]), r"outside 0\.\.49"),
        (([-1], [1.0]), r"outside 0\.\.49"),
        (([2**70], [1.0]), "ordinals"),
        (([1, 20], [1.0, 1.0]), "blocked"),
        (([1, 2, 1], [1.0, 1.0, 1.0]), "twice"),
        (([1], [float("nan")]), "not finite"),
        (([1], [1e300]), "not finite"),
    ],
)
def test_an_offer_that_is_none_is_refused_with_its_source_and_the_remedy(
    offer: Any, fault: str
) -> None:
    with pytest.raises((TypeError, ValueError), match=rf"source 'own'.*{fault}"):
        checked(offer, "own", MASK, 4)


@pytest.mark.parametrize(
    "offer", [([], []), (np.array([3, 1], np.uint16), [2, 1]), ([3, 1], np.array([2.0, 1.0]))]
)
def test_an_offer_may_be_lists_or_arrays_of_any_width(offer: Any) -> None:
    found = checked(offer, "own", MASK, 4)
    assert found.items.dtype == np.int64
    assert found.scores.dtype == np.float32
    assert found.items.tolist() == [*offer[0]]


def test_the_mask_that_an_own_source_gets_cannot_be_written() -> None:
    def careless(_: Context, __: Snapshot, blocked: Mask, ___: int) -> Any:
        blocked[:] = False

    asker, made, mask = asked()
    with pytest.raises(ValueError, match="read-only"):
        OwnSource("own", careless)(asker, made, mask, 5)
    mask[0] = mask[0]  # ours still can


def unsteady(_: Context, __: Snapshot, blocked: Mask, k: int) -> tuple[Items, Items]:
    items = np.random.default_rng().permutation(np.flatnonzero(~blocked))[:k]
    return items, items


def meddling(asker: Context, __: Snapshot, blocked: Mask, k: int) -> tuple[Items, Items]:
    asker.history[:] = 0
    return odd_items(asker, __, blocked, k)  # type: ignore[return-value] # lists do as well


def test_a_source_is_tried_before_anybody_is_served() -> None:
    made = rich()

    def tried(function: Any) -> list[str]:
        call = Call("own", OwnSource("own", function), 9, None, spreads=False, aside=True)
        return trial(call, made, [context(3, 8), context(3, 8), context()])

    assert not tried(odd_items)
    assert [fault.partition(";")[2] for fault in tried(unsteady)] == [" draw by context.seed"]
    assert [fault.partition(";")[2] for fault in tried(meddling)] == [" copy what you change"]
    assert tried(lambda *_: None) == [
        "sources.own: TypeError: source 'own' returned NoneType, not (items, scores)"
    ]


@pytest.mark.parametrize(
    ("name", "settings", "fault"),
    [
        ("vectr", {}, "did you mean 'vector'"),
        ("nonsense", {}, "there are vector, cooccurrence"),
        ("picks", {"items": ("3", "gone", "away")}, "has no 'gone' and 1 others"),
        ("picks", {"items": ("3",), "function": "os:listdir"}, "keep one of them"),
        ("own", {"function": "os:nowhere"}, "'os' has no function 'nowhere'"),
        ("own", {"function": "no.such.module:f"}, "cannot import"),
        ("own", {"function": "nonsense"}, "module:function"),
        ("vector", {"function": "os:listdir"}, "choose another"),
        ("vector", {"explore": 0.5}, 'only "latest" explores'),
    ],
)
def test_what_a_surface_cannot_mean_is_told_with_a_remedy(
    name: str, settings: dict[str, Any], fault: str
) -> None:
    catalogue = snapshot().catalogue
    [told] = check_sources({name: SourceSettings(quota=5, **settings)}, catalogue)
    assert told.startswith(f"sources.{name}")
    assert fault in told


def test_what_can_be_meant_has_no_faults() -> None:
    made = rich()
    assert not check_sources(EVERY, made.catalogue)
    assert not check_sources(DEFAULT, made.catalogue)


def test_listed_items_that_have_left_the_catalogue_are_passed_over() -> None:
    made = snapshot(500)
    [call] = plan({"p": SourceSettings(quota=5, items=("9", "gone", "3"))}, made.catalogue)
    mask = np.zeros(500, np.bool_)
    assert call.ask(context(), made, mask).items.tolist() == [9, 3]
    with pytest.raises(ValueError, match="no such source"):
        plan({"nowhere": SourceSettings(quota=5)}, made.catalogue)


def test_sources_are_settings_of_a_surface_in_toml() -> None:
    text = """
    [surfaces.home.sources]
    latest = { quota = 20, explore = 0.3 }
    staff = { quota = 5, items = ["9", "3"] }
    own = { quota = 10, function = "shop.sources:seasonal", deadline_ms = 5 }
    """
    sources = parse(text).by_name["home"].sources
    assert [*sources] == ["latest", "staff", "own"]
    assert sources["staff"].items == ("9", "3")
    assert sources["own"].deadline_ms == 5
    for wrong in ("quota = 0", "quota = 5, explore = 1.5", "quota = 5, items = []", "explore = 0"):
        with pytest.raises(SurfacesRejected, match=r"line 2.*latest"):
            parse(f"[surfaces.home.sources]\nlatest = {{ {wrong} }}")
