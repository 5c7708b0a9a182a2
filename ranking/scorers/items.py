"""What a user's scorer is handed of the items: columns by name, made as they are asked for."""

from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from typing import Any, NoReturn

from features.types import Rows


class ItemColumns(dict[str, list[float]]):
    """A read-only dict from a column's name to its n floats, one per row.

    A list is made when its column is first asked for, by the thread that asks: all 57 would
    cost a scorer that reads four of them more than its own work does. Afterwards it is in the
    dict, so asking again costs what it costs with any dict. Names come in the columns' order.
    """

    __slots__ = ("_places", "_rows")

    def __init__(self, rows: Rows, places: Mapping[str, int]) -> None:
        """Serve rows, float32[n, f], of which column ``places[name]`` goes by that name."""
        super().__init__()
        self._rows = rows
        self._places = places

    def __missing__(self, name: str) -> list[float]:
        """Make a column; raise KeyError, with the names that are close, if there is no such."""
        place = self._places.get(name)
        if place is None:
            near = get_close_matches(str(name), self._places, cutoff=0.5)
            hint = f"did you mean {' or '.join(map(repr, near))}?" if near else "see list(items)"
            raise KeyError(f"no item column {name!r}: {hint}")
        column: list[float] = self._rows[:, place].tolist()
        super().__setitem__(name, column)
        return column

    # dict's own methods see only what has been made: each is told of the rest.

    def __contains__(self, name: object) -> bool:
        return name in self._places

    def __iter__(self) -> Iterator[str]:
        return iter(self._places)

    def __reversed__(self) -> Iterator[str]:
        return reversed([*self._places])

    def __len__(self) -> int:
        return len(self._places)

    def __eq__(self, other: object) -> bool:
        return self.copy() == other

    def __ne__(self, other: object) -> bool:  # dict has one of its own
        return self.copy() != other

    __hash__ = None  # as with any dict

    def __repr__(self) -> str:
        return repr(self.copy())

    def __or__(self, other: Any) -> Any:
        return self.copy() | other

    def get(self, name: str, default: Any = None) -> Any:
        """Return a column, or the default where there is no such."""
        return self[name] if name in self._places else default

    def copy(self) -> dict[str, list[float]]:
        """Make every column; return a plain dict of them."""
        return {name: self[name] for name in self._places}

    def keys(self) -> Any:
        """Return the names, without making a column."""
        return dict.fromkeys(self._places).keys()

    def values(self) -> Any:
        """Make every column; return them in order."""
        return self.copy().values()

    def items(self) -> Any:
        """Make every column; return (name, column) in order."""
        return self.copy().items()

    def _refuse(self, *_: Any, **__: Any) -> NoReturn:
        raise TypeError("items is read-only: keep what you compute in names of your own")

    __setitem__ = __delitem__ = __ior__ = _refuse
    clear = pop = popitem = setdefault = update = _refuse
