"""Filters against a plain reading of each row, the guide's examples, and texts meant to harm."""

import json
import math
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ranking.filters import FilterRejected, Table, check, parse, select
from ranking.filters.parse import DEEPEST, LONGEST, MOST_VALUES

GUIDE = (Path(__file__).resolve().parents[2] / "docs" / "filters.md").read_text()
GENRES = ("Comedy", "Children's", 'say "no"', "Drama", "and", "Ünïcode 映画")
NUMBERS = (-3, 0, 1, 2.5, 1990, 1e10)
type Row = dict[str, Any]
type Drawn = Any
"""A filter as the tests draw it: nested tuples, which share no code with the parser's tree."""


def kept(text: str, rows: list[Row]) -> list[int]:
    table, tree = Table.of(rows), parse(text)
    check(tree, table)
    mask = select(tree, table)
    assert mask.shape == (len(rows),)
    assert mask.dtype == np.bool_
    found: list[int] = np.flatnonzero(mask).tolist()
    return found


def draw_rows(rng: np.random.Generator) -> list[Row]:
    def some(values: tuple[Any, ...]) -> Any:
        return values[rng.integers(len(values))]

    rows: list[Row] = [{"year": 0, "price": 0.5, "genre": ["Drama"], "title": "x", "new": True}]
    for _ in range(rng.integers(0, 40)):
        labels = [GENRES[i] for i in rng.permutation(len(GENRES))[: rng.integers(0, 4)]]
        row = {
            "year": some((*NUMBERS, None)),
            "price": some((*NUMBERS, math.nan)),
            "genre": some((labels, None)),
            "title": some((*GENRES, "")),
            "new": some((True, False, None)),
        }
        rows.append({name: value for name, value in row.items() if rng.random() < 0.9})
    return rows


def draw_filter(rng: np.random.Generator, depth: int = 0) -> Drawn:
    kind = rng.integers(0, 8 if depth < 4 else 4)
    if kind >= 6:
        return ("not", draw_filter(rng, depth + 1))
    if kind >= 4:
        parts = [draw_filter(rng, depth + 1) for _ in range(rng.integers(2, 4))]
        return ("and" if kind == 4 else "or", *parts)
    text = rng.random() < 0.5
    column = str(rng.choice(["genre", "title"] if text else ["year", "price", "new"]))
    values = GENRES if text else NUMBERS
    some = [values[i] for i in rng.permutation(len(values))[: rng.integers(1, 4)]]
    if kind == 0:
        return ("missing", column, bool(rng.random() < 0.5))
    if kind == 1:
        return ("in", column, some, bool(rng.random() < 0.5))
    signs = ["=", "==", "!="] if text else ["=", "!=", "<", "<=", ">", ">="]
    return ("compare", column, str(rng.choice(signs)), some[0])


def holds(wanted: Drawn, row: Row) -> bool:
    """Read one row as the guide says, in plain Python."""
    match wanted:
        case ("not", part):
            return not holds(part, row)
        case ("and", *parts):
            return all(holds(part, row) for part in parts)
        case ("or", *parts):
            return any(holds(part, row) for part in parts)
        case ("missing", column, without):
            found = bool(values_of(row, column))
            return found is bool(without)
        case ("in", column, values, without):
            found = any(value in values for value in values_of(row, column))
            return found is not bool(without)
        case ("compare", column, "!=", value):
            return value not in values_of(row, column)
        case ("compare", column, sign, value):
            return any(compared(own, sign, value) for own in values_of(row, column))
    raise AssertionError(wanted)


def values_of(row: Row, column: str) -> list[Any]:
    value = row.get(column)
    if value is None or value == "" or (isinstance(value, float) and math.isnan(value)):
        return []
    return value if isinstance(value, list) else [value]


def compared(own: Any, sign: str, value: Any) -> bool:
    outcomes: dict[str, Any] = {"=": own == value, "==": own == value}
    if not isinstance(own, str):
        outcomes |= {"<": own < value, "<=": own <= value, ">": own > value, ">=": own >= value}
    return bool(outcomes[sign])


def written(wanted: Drawn, rng: np.random.Generator) -> str:
    """Write it down with as many blanks, capitals, quotes and parentheses as may be."""

    def blank() -> str:
        return str(rng.choice([" ", "  ", "\n", "\t "]))

    def word(text: str) -> str:
        return text.upper() if rng.random() < 0.2 else text

    def literal(value: Any) -> str:
        if not isinstance(value, str):
            return str(value)
        quote = str(rng.choice(["'", '"']))
        return quote + value.replace(quote, quote * 2) + quote

    def name(column: str) -> str:
        return f"`{column}`" if rng.random() < 0.2 else column

    match wanted:
        case ("not", part):
            return f"{word('not')}{blank()}({written(part, rng)})"
        case ("and" | "or" as link, *parts):
            return f"{blank()}{word(link)}{blank()}".join(f"({written(p, rng)})" for p in parts)
        case ("missing", column, without):
            middle = f"{word('not')} " if without else ""
            return f"{name(column)} {word('is')} {middle}{word('missing')}"
        case ("in", column, values, without):
            middle = f"{word('not')} " if without else ""
            listed = f"{blank()},".join(map(literal, values))
            return f"{name(column)} {middle}{word('in')}{blank()}({listed})"
        case ("compare", column, sign, value):
            return f"{name(column)}{rng.choice(['', ' '])}{sign}{literal(value)}"
    raise AssertionError(wanted)


@pytest.mark.parametrize("block", range(20))
def test_a_thousand_random_filters_agree_with_a_plain_reading_of_each_row(block: int) -> None:
    asked = 0
    for seed in range(block * 100, block * 100 + 100):
        rng = np.random.default_rng(seed)
        rows, wanted = draw_rows(rng), draw_filter(rng)
        text = written(wanted, rng)
        try:
            found = kept(text, rows)
        except FilterRejected as refusal:
            assert "more than" in str(refusal) or "longer" in str(refusal), text  # noqa: PT017  the rest must pass
            continue
        assert found == [i for i, row in enumerate(rows) if holds(wanted, row)], text
        asked += 1
    assert asked >= 90


def table_after(heading: str) -> list[tuple[str, str]]:
    """Return the two columns of the guide's table below a heading."""
    section = GUIDE.partition(f"## {heading}\n")[2].partition("\n## ")[0]
    return re.findall(r"^\| `(.+?)` \| (.*?) ?\|$", section, re.MULTILINE)


SHELF: list[Row] = json.loads(GUIDE.partition("```json\n")[2].partition("```")[0])
NAMES = [row.pop("item_id") for row in SHELF]


def test_the_guide_has_examples() -> None:
    assert len(table_after("Examples")) >= 15
    assert len(table_after("What is refused")) >= 8


@pytest.mark.parametrize(("text", "items"), table_after("Examples"))
def test_the_guide_s_examples_keep_what_it_says(text: str, items: str) -> None:
    assert [NAMES[item] for item in kept(text, SHELF)] == items.split()


@pytest.mark.parametrize(("text", "answer"), table_after("What is refused"))
def test_the_guide_s_refusals_are_what_it_says(text: str, answer: str) -> None:
    with pytest.raises(FilterRejected, match=f"^{re.escape(answer)}$"):
        kept(text, SHELF)


def test_the_guide_s_limits_are_the_limits() -> None:
    for limit in (f"{LONGEST} characters", f"{MOST_VALUES} values", f"{DEEPEST} parentheses"):
        assert limit in GUIDE


@pytest.mark.parametrize(
    ("text", "position"),
    [
        ("(" * LONGEST, DEEPEST + 1),
        ("not " * (LONGEST // 4), 4 * (DEEPEST + 1)),
        (" " * (LONGEST + 1), LONGEST),
        ("year = 1 or " * 160, 12 * MOST_VALUES + 7),
        ("year is missing and " * 99, None),
        ("year in (" + "1," * 900 + "1)", 9 + 2 * MOST_VALUES),
        ("year = " + "9" * 1000, 7),
        ("year = 1e999", 7),
        ("year = nan", 7),
        ("year = inf", 7),
        ("'" * 999, None),
        ("title = 'x", 8),
        ("`year", 0),
        ("", 0),
        (" \n ", 3),
        ("year", 4),
        ("year =", 6),
        ("year = 1 and", 12),
        ("and = 1", 0),
        ("1 = 1", 0),
        ("year = 1)", 8),
        ("(year = 1", 9),
        ("year in ()", 9),
        ("year in (1,)", 11),
        ("year not = 1", 9),
        ("year is 1", 8),
        ("year = 1; drop", 8),
        ("year.__class__ = 1", 0),
        ("year = 1\x00", 8),
        ("year = \u0661", 7),  # a digit, but not one of ours
        ("year <> 1", 6),
        ("\ud800 = 1", 0),
    ],
)
def test_what_means_harm_is_refused_at_its_place(text: str, position: int | None) -> None:
    with pytest.raises(FilterRejected) as refusal:
        kept(text, SHELF)
    assert refusal.value.position == (refusal.value.position if position is None else position)
    assert len(str(refusal.value)) < 300


@given(st.text(max_size=60) | st.text("()'\"`<>=!,. \n\tandornotisin10eyr", max_size=60))
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        kept(text, SHELF)
    except FilterRejected as refusal:
        assert 0 <= refusal.position <= len(text)  # noqa: PT017  what else would it be


def test_a_refusal_names_the_column() -> None:
    for text in ("yaer = 1", "genre < 1", "year = 'x'", "year !"):
        with pytest.raises(FilterRejected) as refusal:
            kept(text, SHELF)
        assert refusal.value.column == (None if text == "year !" else text.split()[0])


@pytest.mark.parametrize("values", [(1, "one"), ({"a": 1}, {"a": 2}), ([1, 2], [3]), ("x", 1.5)])
def test_a_column_of_mixed_values_cannot_be_asked_about(values: tuple[Any, Any]) -> None:
    rows = [{"odd": value, "year": 1} for value in values]
    assert kept("year = 1", rows) == [0, 1]
    for text in ("odd = 1", "odd = 'one'", "odd is missing"):
        with pytest.raises(FilterRejected, match="column 'odd' holds values"):
            kept(text, rows)


def test_integers_beyond_any_double_are_still_compared() -> None:
    rows = [{"n": 10**400}, {"n": -(10**400)}, {"n": 5}]
    assert kept("n > 1e300", rows) == [0]
    assert kept("n < 0", rows) == [1]


def test_no_items_are_no_mask() -> None:
    with pytest.raises(FilterRejected, match="there are none"):
        kept("year = 1", [])


def test_selecting_leaves_the_table_alone() -> None:
    table, tree = Table.of(SHELF), parse("not price is missing or not genre = 'War'")
    first = select(tree, table)
    assert (select(tree, table) == first).all()
