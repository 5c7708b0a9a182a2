"""Time filters: read and checked, made a mask of, and refused where they mean harm.

python -m benchmarks.filters [--short | --tiny] [--json]
"""

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from benchmarks.options import Options, emit, parse, say
from benchmarks.timing import as_dict, interleave
from ranking import filters
from ranking.filters import FilterRejected, Table

ASKED = {
    "a label": "genre = 'g3'",
    "two labels and a number": "genre in ('g1', 'g2') and year >= 1990",
    "the guide's": "genre in ('g1', 'g2') and year >= 1990 and not price > 20",
    "64 numbers": f"year in ({','.join(map(str, range(1900, 1964)))})",
}
HOSTILE = {
    "all parentheses": "(" * 2000,
    "one quote after the other": "'" * 2000,
    "a comparison after the other": "year = 1 or " * 160,
    "an unknown column, last": "year = 1 or " * 63 + "yaer = 1",
    "a long list, not closed": f"year in ({','.join(['1'] * 64)}",
    "a long text": f"genre > '{'x' * 1980}'",
}


def measure(options: Options) -> list[dict[str, Any]]:
    """Return the cases; the plain reading is a loop over the rows."""
    items = options.pick(1_000_000, 100_000, 1_000)
    say("draw a catalogue")
    rng = np.random.default_rng(0)
    years, prices = rng.integers(1900, 2026, items).tolist(), rng.uniform(1, 50, items).tolist()
    genres = [[f"g{one}", f"g{other}"] for one, other in rng.integers(0, 20, (items, 2)).tolist()]
    rows = [
        {"year": year, "price": price, "genre": genre}
        for year, price, genre in zip(years, prices, genres, strict=True)
    ]
    table = Table.of(rows)
    guide = filters.parse(ASKED["the guide's"])
    plain = [
        bool({"g1", "g2"} & {*row["genre"]}) and row["year"] >= 1990 and not row["price"] > 20
        for row in rows
    ]
    assert filters.select(guide, table).tolist() == plain
    contests: dict[str, dict[str, Callable[[], object]]] = {
        "read and checked": {name: partial(_checked, text, table) for name, text in ASKED.items()},
        f"mask over {items:,} items": {
            name: partial(filters.select, filters.parse(text), table)
            for name, text in ASKED.items()
        },
        "refused": {name: partial(_refused, text, table) for name, text in HOSTILE.items()},
    }
    found = []
    for case, contestants in contests.items():
        say(case)
        repetitions, seconds = options.pick((7, 0.2), (3, 0.05), (1, 0.001))
        figures = interleave(contestants, repetitions=repetitions, seconds=seconds)
        found.append({"case": f"Filters: {case}", "figures": as_dict(figures)})
    return found


def _checked(text: str, table: Table) -> None:
    filters.check(filters.parse(text), table)


def _refused(text: str, table: Table) -> None:
    try:
        _checked(text, table)
    except FilterRejected:
        return
    raise AssertionError(text[:80])


def main() -> None:
    """Measure and print."""
    options = parse(__doc__ or "")
    emit(options, measure(options))  # type: ignore[arg-type]  # a list of cases, as timing's others


if __name__ == "__main__":
    main()
