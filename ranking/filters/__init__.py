"""Filters: a request's own rule for which items it may be shown, as text (docs/filters.md).

    genre in ('Comedy', 'Drama') and year >= 1990 and not price > 20

`parse` reads the text and knows no catalogue; `check` holds it against a catalogue's columns, and
costs next to nothing; `select` gives the mask, and costs a pass over a column per comparison. All
are pure: whoever serves keeps the masks of frequent filters, as many as memory allows.
"""

from ranking.filters.check import check
from ranking.filters.parse import parse
from ranking.filters.rejected import FilterRejected
from ranking.filters.select import select
from ranking.filters.table import Table

__all__ = ["FilterRejected", "Table", "check", "parse", "select"]
