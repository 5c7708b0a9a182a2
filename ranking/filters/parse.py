"""From a filter's text to its tree, by hand, within bounds.

filter     = both { "or" both }
both       = one { "and" one }
one        = "not" one | "(" filter ")" | comparison
comparison = column ( "=" | "==" | "!=" | "<" | "<=" | ">" | ">=" ) value
           | column [ "not" ] "in" "(" value { "," value } ")"
           | column "is" [ "not" ] "missing"
value      = number | text | "true" | "false"
"""

from math import isfinite
from typing import Final, cast

from ranking.filters.rejected import FilterRejected
from ranking.filters.tree import All, Any, Compare, Comparison, Filter, Missing, Not, Value
from ranking.filters.words import Word, word_at

LONGEST: Final = 2000
"""Characters."""
DEEPEST: Final = 20
"""Parentheses and negations within each other."""
MOST_VALUES: Final = 64
"""To be compared with, one for each `is missing` among them: each costs a pass over a column."""

_KEYWORDS: Final = frozenset({"and", "or", "not", "in", "is", "missing", "true", "false"})
_COMPARISONS: Final = frozenset({"=", "==", "!=", "<", "<=", ">", ">="})
_TRUTH: Final = {"true": 1.0, "false": 0.0}


def parse(text: str) -> Filter:
    """Read a filter.

    Raises:
        FilterRejected: it is too long, too deep, or not in the grammar.
    """
    if len(text) > LONGEST:
        raise FilterRejected(f"longer than {LONGEST} characters", LONGEST)
    return _Reader(text).whole()


class _Reader:
    """One text being read: the word under the eye, and what was met so far."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._values_read = 0
        self._word, self._next = word_at(text, 0)

    def whole(self) -> Filter:
        """Read the text to its end."""
        tree = self._either(0)
        if self._word.kind != "end":
            raise self._unexpected("'and', 'or' or the end")
        return tree

    def _either(self, depth: int) -> Filter:
        parts = [self._both(depth)]
        while self._take("or"):
            parts.append(self._both(depth))
        return parts[0] if len(parts) == 1 else Any(tuple(parts))

    def _both(self, depth: int) -> Filter:
        parts = [self._one(depth)]
        while self._take("and"):
            parts.append(self._one(depth))
        return parts[0] if len(parts) == 1 else All(tuple(parts))

    def _one(self, depth: int) -> Filter:
        if depth > DEEPEST:
            raise FilterRejected(f"nested deeper than {DEEPEST}", self._word.position)
        if self._take("not"):
            return Not(self._one(depth + 1))
        if self._take("("):
            inner = self._either(depth + 1)
            self._expect(")")
            return inner
        return self._comparison()

    def _comparison(self) -> Filter:
        position = self._word.position
        column = self._column()
        if self._take("is"):
            self._count_value()
            without = self._take("not")
            self._expect("missing")
            missing = Missing(column, position)
            return Not(missing) if without else missing
        without = self._take("not")
        if without or self._word.keyword == "in":
            self._expect("in")
            among = Compare(column, "=", self._values(), position)
            return Not(among) if without else among
        sign = self._word.keyword
        if sign not in _COMPARISONS:
            raise self._unexpected(f"a comparison of column {column[:40]!r}", column)
        self._advance()
        values = (self._value(),)
        if sign == "!=":
            return Not(Compare(column, "=", values, position))
        return Compare(column, "=" if sign == "==" else cast("Comparison", sign), values, position)

    def _column(self) -> str:
        word = self._word
        if word.kind == "quoted name" or (word.kind == "name" and word.keyword not in _KEYWORDS):
            self._advance()
            return word.content
        raise self._unexpected("a column")

    def _values(self) -> tuple[Value, ...]:
        self._expect("(")
        values = [self._value()]
        while self._take(","):
            values.append(self._value())
        self._expect(")")
        return tuple(values)

    def _value(self) -> Value:
        self._count_value()
        word = self._word
        if word.kind == "text":
            self._advance()
            return word.content
        if word.keyword in _TRUTH:
            self._advance()
            return _TRUTH[word.keyword]
        if word.kind != "number":
            raise self._unexpected("a number, a text in quotes, true or false")
        number = float(word.content)
        if not isfinite(number):
            raise FilterRejected("this number is too large", word.position)
        self._advance()
        return number

    def _count_value(self) -> None:
        self._values_read += 1
        if self._values_read > MOST_VALUES:
            raise FilterRejected(f"more than {MOST_VALUES} values", self._word.position)

    def _take(self, keyword: str) -> bool:
        if self._word.keyword != keyword:
            return False
        self._advance()
        return True

    def _expect(self, keyword: str) -> None:
        if not self._take(keyword):
            raise self._unexpected(repr(keyword))

    def _advance(self) -> None:
        self._word, self._next = word_at(self._text, self._next)

    def _unexpected(self, wanted: str, column: str | None = None) -> FilterRejected:
        return FilterRejected(
            f"expected {wanted}, not {_shown(self._word)}", self._position, column
        )

    @property
    def _position(self) -> int:
        return self._word.position


def _shown(word: Word) -> str:
    """Return the word as an error shows it."""
    if word.kind == "end":
        return "the end"
    return repr(word.content if len(word.content) <= 40 else f"{word.content[:40]}...")
