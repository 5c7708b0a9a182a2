"""What a person reads in the terminal."""

import io
from typing import Any

from rich.console import Console, RenderableType

from service.terminal.show import BAR_WIDTH, degraded_lines, slate_table, waterfall

TIMING = "context;dur=1.000, retrieve;dur=2.000, features;dur=0.001, score;dur=5.000, total;dur=8.5"


def shown(what: RenderableType | str) -> str:
    console = Console(file=io.StringIO(), width=160)
    console.print(what)
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def item(**changes: Any) -> dict[str, Any]:
    properties = {"title": "Alien (1979)", "genre": ["Horror", "Sci-Fi"]}
    plain = {"item_id": "183", "score": 3.14159, "source": "vector", "reason": "because of Heat"}
    return {**plain, "properties": properties, **changes}


def test_a_slate_is_a_row_per_item_with_all_that_was_said_of_it() -> None:
    answer = {"items": [item(), item(properties={"title": "Heat (1995)"}, source="popularity")]}
    text = shown(slate_table("User 196", answer))
    assert "User 196" in text
    first, second = (line for line in text.splitlines() if "(19" in line)
    for word in ("1", "Alien (1979)", "Horror, Sci-Fi", "3.14", "vector", "because of Heat"):
        assert word in first
    assert "popularity" in second


def test_an_item_without_a_title_shows_its_id() -> None:
    assert "183" in shown(slate_table("t", {"items": [item(properties={})]}))


def test_an_empty_slate_is_still_a_table() -> None:
    assert "reason" in shown(slate_table("t", {"items": []}))


def test_brackets_in_titles_genres_and_reasons_are_no_markup() -> None:
    odd = item(
        properties={"title": "[rec] (2007) [/bold]", "genre": ["[red]"]},
        reason="because of [rec] [/x]",
    )
    text = shown(slate_table("t", {"items": [odd]}))
    for word in ("[rec] (2007) [/bold]", "[red]", "because of [rec] [/x]"):
        assert word in text


def test_the_waterfall_has_a_bar_per_stage_each_beginning_where_the_one_before_ended() -> None:
    *stages, total = shown(waterfall(TIMING)).splitlines()
    assert [line.split()[0] for line in stages] == ["context", "retrieve", "features", "score"]
    assert total.split() == ["total", "8.500", "ms"]
    begins = [line.index("█") for line in stages]
    ends = [line.rindex("█") + 1 for line in stages]
    assert begins == sorted(begins)
    for end, begin in zip(ends, begins[1:], strict=False):
        assert abs(end - begin) <= 1
    lengths = [end - begin for begin, end in zip(begins, ends, strict=True)]
    assert lengths == [6, 11, 1, 28]  # of 48 cells for 8.5 ms, and no stage without any
    assert max(ends) - min(begins) <= BAR_WIDTH


def test_a_waterfall_of_nothing_divides_by_nothing() -> None:
    assert "0.000 ms" in shown(waterfall("total;dur=0.000"))


def test_a_stage_that_fell_back_has_a_line_and_others_none() -> None:
    answer = {"degraded": [{"stage": "context", "reason": "store_down"}]}
    assert [shown(line).strip() for line in degraded_lines(answer)] == [
        "degraded: context (store_down)"
    ]
    assert degraded_lines({"degraded": []}) == []
