"""Whether a filter fits a catalogue, found out before anything is computed."""

from ranking.filters.rejected import FilterRejected
from ranking.filters.table import Labels, Numbers, Table, Unfit
from ranking.filters.tree import All, Any, Compare, Filter, Missing, Not

_SHOWN = 20


def check(tree: Filter, table: Table) -> None:
    """Return if the table has all columns of the filter, with values of the right kind.

    Raises:
        FilterRejected: it has not; the error names the column.
    """
    match tree:
        case All(parts) | Any(parts):
            for part in parts:
                check(part, table)
        case Not(part):
            check(part, table)
        case Missing(name, position):
            _column(table, name, position)
        case Compare(name, _, values, position):
            column = _column(table, name, position)
            if isinstance(column, Labels):
                _check_labels(tree)
            elif any(isinstance(value, str) for value in values):
                raise FilterRejected(
                    f"column {name!r} holds numbers; compare it with a number, without quotes",
                    position,
                    name,
                )


def _column(table: Table, name: str, position: int) -> Numbers | Labels:
    column = table.columns.get(name)
    if column is None:
        names = sorted(table.columns)[:_SHOWN]
        raise FilterRejected(
            f"there is no column {name[:40]!r}; there are {', '.join(names) or 'none'}",
            position,
            name,
        )
    if isinstance(column, Unfit):
        raise FilterRejected(f"column {name!r} {column.reason}", position, name)
    return column


def _check_labels(compare: Compare) -> None:
    name, position = compare.column, compare.position
    if compare.comparison != "=":
        raise FilterRejected(
            f"column {name!r} holds texts, which have no order; use =, != or in", position, name
        )
    if not all(isinstance(value, str) for value in compare.values):
        raise FilterRejected(
            f"column {name!r} holds texts; compare it with a text in quotes", position, name
        )
