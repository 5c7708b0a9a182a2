"""Two variants' answers become one slate, and every place is credited to one of them."""

import msgspec

from features.types import Query
from service.experiments.draft import draft
from service.http.wire import Coverage, Degradation, RankedItem, SlateAnswer


def answer(variant: str, *item_ids: str, fell: tuple[str, ...] = ()) -> SlateAnswer:
    items = [RankedItem(one, 1.0, variant, "", msgspec.Raw(b"{}")) for one in item_ids]
    degraded = [Degradation(stage, "why") for stage in fell]
    return SlateAnswer("r", "v", "home", variant, items, degraded, Coverage(1, 1))


def test_each_item_comes_from_the_slate_that_drafted_it() -> None:
    own, rival = answer("control", "a", "b", "c"), answer("new", "c", "x", "a")
    firsts = set()
    for seed in range(50):
        drafted, teams = draft(own, rival, "new", Query(limit=4, seed=seed))
        ids = [item.item_id for item in drafted.items]
        assert len(set(ids)) == len(ids) == 4
        assert [item_id for item_id, _ in teams] == ids
        for item, (_, team) in zip(drafted.items, teams, strict=True):
            if team >= 0:  # the last one, where one has nothing left
                assert item.source == ("control", "new")[team]
        assert (drafted.variant, drafted.request_id) == ("new", "r")
        firsts.add(ids[0])
    assert firsts == {"a", "c"}


def test_what_fell_back_on_either_side_is_told_once() -> None:
    own = answer("control", "a", fell=("context",))
    drafted, _ = draft(
        own, answer("new", "b", fell=("context", "rerank")), "new", Query(limit=2, seed=1)
    )
    assert [one.stage for one in drafted.degraded] == ["context", "rerank"]
