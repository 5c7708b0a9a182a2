from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from ranking.scorers.items import ItemColumns

ROWS = np.array([[1, 2, 3], [4, 5, 6]], np.float32)
PLACES = {"item.price": 2, "item.year": 0}
AS_A_DICT = {"item.price": [3.0, 6.0], "item.year": [1.0, 4.0]}


@pytest.fixture
def items() -> ItemColumns:
    return ItemColumns(ROWS, PLACES)


def made(items: ItemColumns) -> list[str]:
    """Look under the lazy methods at the dict itself."""
    return [*dict.keys(items)]


def test_a_column_is_made_when_first_asked_for_and_kept(items: ItemColumns) -> None:
    assert made(items) == []
    column = items["item.year"]
    assert column == [1.0, 4.0]
    assert items["item.year"] is column
    assert items.get("item.year") is column
    assert made(items) == ["item.year"]


def test_asking_for_names_makes_no_column(items: ItemColumns) -> None:
    assert "item.price" in items
    assert "item.colour" not in items
    assert len(items) == 2
    assert [*items] == [*items.keys()] == [*reversed(items)][::-1] == ["item.price", "item.year"]
    assert items.get("item.colour") is None
    assert items.get("item.colour", 0) == 0
    assert made(items) == []


@pytest.mark.parametrize(
    "read",
    [
        lambda items: items,
        dict,
        ItemColumns.copy,
        lambda items: {**items},
        lambda items: (lambda **all_: all_)(**items),
        lambda items: items | {},
        lambda items: {} | items,
        lambda items: dict(items.items()),
        lambda items: dict(zip(items, items.values(), strict=True)),
        lambda items: {name: items[name] for name in items},
        lambda items: eval(repr(items)),  # noqa: S307  of our own making
    ],
)
@pytest.mark.parametrize("before", [[], ["item.year"]])
def test_read_as_a_whole_it_is_the_dict_of_all_columns(
    items: ItemColumns, read: Callable[[ItemColumns], Any], before: list[str]
) -> None:
    for name in before:
        assert items[name]
    whole = read(items)
    assert whole == AS_A_DICT
    assert [*whole] == [*AS_A_DICT]


def test_it_equals_a_dict_of_all_columns_and_no_other(items: ItemColumns) -> None:
    unlike: list[object] = [{}, {**AS_A_DICT, "item.year": []}, 1]
    assert [items == AS_A_DICT, *(items == other for other in unlike)] == [True, *[False] * 3]
    assert [items != AS_A_DICT, *(items != other for other in unlike)] == [False, *[True] * 3]


def test_it_matches_a_pattern(items: ItemColumns) -> None:
    match items:
        case {"item.price": [first, *_]}:
            assert first == 3.0
        case _:
            pytest.fail("no match")


def test_an_unknown_column_is_named_with_those_that_are_close(items: ItemColumns) -> None:
    with pytest.raises(KeyError, match=r"no item column 'price': did you mean 'item.price'\?"):
        items["price"]
    with pytest.raises(KeyError, match=r"no item column 'zzz': see list\(items\)"):
        items["zzz"]
    with pytest.raises(KeyError, match="no item column 7"):
        items[7]  # type: ignore[index]  # what a user may well do
    assert made(items) == []


@pytest.mark.parametrize(
    "change",
    [
        lambda items: items.__setitem__("item.year", []),
        lambda items: items.__delitem__("item.year"),
        lambda items: items.__ior__({}),
        lambda items: items.clear(),
        lambda items: items.pop("item.year"),
        lambda items: items.popitem(),
        lambda items: items.setdefault("item.year", []),
        lambda items: items.update({}),
        lambda items: items.update(new=[]),
    ],
)
def test_it_cannot_be_changed(items: ItemColumns, change: Callable[[ItemColumns], Any]) -> None:
    with pytest.raises(TypeError, match="read-only"):
        change(items)
    assert items == AS_A_DICT
