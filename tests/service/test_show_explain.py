"""What a person reads of an explanation and of a replay."""

import io
from typing import Any

from rich.console import Console

from service.terminal.explain import explanation
from service.terminal.replay import side_by_side


def shown(parts: Any, width: int = 200) -> str:
    console = Console(file=io.StringIO(), width=width)
    for part in parts:
        console.print(part)
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def item(item_id: str, title: str, score: float = 1.0) -> dict[str, Any]:
    return {"item_id": item_id, "score": score, "properties": {"title": title}}


SPANS = [
    {"stage": "context", "start_ms": 0.0, "ms": 1.0, "wait_ms": 0.75, "threads": 1},
    {"stage": "score", "start_ms": 1.0, "ms": 3.0, "wait_ms": 0.0, "threads": 2},
]


def answer(**changes: Any) -> dict[str, Any]:
    debug = {
        "seed": 7,
        "stages": SPANS,
        "sources": [
            {"source": "vector", "offered": 20, "alone": 15, "kept": 9, "shared": {"[b]own": 5}},
            {"source": "[b]own", "offered": 5, "alone": 0, "kept": 5, "shared": {"vector": 5}},
        ],
        "masks": [{"mask": "seen", "blocks": 39, "alone": 38}],
        "found": 20,
        "scored": 9,
        "near": 8,
        "missed": 1,
        "relaxed": ["cap genre"],
        "items": [
            {
                "item_id": "1",
                "place": 1,
                "place_by_score": 4,
                "moved_by": "pin",
                "provenance": [{"source": "vector", "score": 0.5, "place": 12}],
                "features": {"taste.best": 0.25, "item.year": 1995.0, "user.age": 30.0},
                "attributions": [
                    {
                        "objective": "model",
                        "method": "tree_shap",
                        "score": 1.0,
                        "base": 0.25,
                        "rest": 0.0,
                        "contributions": {"taste.best": 0.5, "item.year": 0.125, "user.age": 0.125},
                    }
                ],
            }
        ],
        "why_not": [{"item_id": "50", "stage": "masks", "reason": "kept away by seen"}],
    }
    return {
        "request_id": "r-1",
        "model_version": "v-1",
        "surface": "home",
        "variant": "control",
        "items": [item("1", "[rec] (2007) [/bold]")],
        "debug": debug | changes,
    }


def test_an_explanation_has_its_waterfall_sources_masks_items_and_fates() -> None:
    text = shown(explanation(answer(), 2))
    for word in (
        "r-1",
        "waited: context 0.750 ms; threads: score 2",
        "20 candidates found, 9 scored",
        "[b]own 5",
        "39",
        "[rec] (2007) [/bold]",
        "vector (12)",
        "pin",
        "model (tree_shap), base 0.250",
        "+0.500 taste.best = 0.25",
        "+0.125 item.year = 1995",
        "could not be kept: cap genre",
        "50 masks: kept away by seen",
    ):
        assert word in text
    assert "user.age" not in text  # only as many columns as wanted
    assert "+0.125 all others" in text


def test_no_contribution_is_broken_at_80_columns() -> None:
    lines = shown(explanation(answer(), 2), 80).splitlines()
    assert "  1 [rec] (2007) [/bold]" in lines
    assert "    model (tree_shap), base 0.250" in lines
    assert "      +0.500 taste.best = 0.25" in lines
    assert max(map(len, lines)) <= 80


def test_what_was_not_there_takes_no_room() -> None:
    text = shown(explanation(answer(masks=[], relaxed=[], why_not=[]), 2))
    assert "Kept away" not in text
    assert "could not be kept" not in text


def side(*items: dict[str, Any]) -> dict[str, Any]:
    return {
        "model_version": "v-1",
        "total_ms": 4.0,
        "stages": SPANS,
        "slate": {"items": list(items)},
    }


def replayed(before: Any, after: Any, overlap: Any) -> dict[str, Any]:
    return {
        "recorded": before,
        "replayed": after,
        "overlap": overlap,
        "as_recorded": ["seed"],
        "as_of_now": ["item features"],
    }


def test_two_slates_stand_side_by_side_with_what_entered_left_and_moved() -> None:
    one, two, three = item("1", "[one]"), item("2", "two"), item("3", "three")
    overlap = {
        "same": False,
        "jaccard": 0.333,
        "rank_biased": 0.5,
        "entered": ["3"],
        "left": ["1"],
        "moved": [{"item_id": "2", "before": 2, "after": 1}],
    }
    text = shown(side_by_side(replayed(side(one, two), side(two, three), overlap)))
    assert "Jaccard 0.33, rank-biased overlap 0.50; 1 entered, 1 left, 1 moved" in text
    first, second = (line for line in text.splitlines() if "│ 1 │" in line or "│ 2 │" in line)
    assert "[one]" in first
    assert "left" in first
    assert "from 2" in first
    assert "entered" in second
    assert "As recorded: seed. As of now: item features." in text


def test_the_same_slate_is_told_in_words() -> None:
    same = side(item("1", "one"))
    found = replayed(same, same, {"same": True, "moved": [], "entered": [], "left": []})
    assert "The same slate." in shown(side_by_side(found))


def test_a_slate_that_was_not_kept_leaves_its_column_empty() -> None:
    before: dict[str, Any] = {"model_version": None, "total_ms": 1.0, "stages": [], "slate": None}
    text = shown(side_by_side(replayed(before, side(item("1", "one")), None)))
    assert "was not kept" in text
    assert "one" in text
