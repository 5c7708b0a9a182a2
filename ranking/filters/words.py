"""A filter's text, word by word."""

import re
from typing import Final, Literal, NamedTuple

from ranking.filters.rejected import FilterRejected

type Kind = Literal["name", "quoted name", "number", "text", "sign", "end"]

# Each alternative is found out after its first character or two: no backtracking, so the time
# is proportional to the length whatever is sent.
_WORD: Final = re.compile(
    r"""[ \t\r\n]*(?:
        (?P<name>[A-Za-z_][A-Za-z0-9_.-]*)
      | (?P<number>[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?)
      | (?P<text>'(?:[^']|'')*'|"(?:[^"]|"")*")
      | (?P<quoted_name>`[^`]+`)
      | (?P<sign><=|>=|!=|==|[=<>(),])
      | (?P<end>\Z)
    )""",
    re.VERBOSE,
)


class Word(NamedTuple):
    """A word and its position; ``keyword`` is what it is as a keyword or a sign, "" if neither."""

    kind: Kind
    content: str
    position: int
    keyword: str = ""


def word_at(text: str, position: int) -> tuple[Word, int]:
    """Read the word that begins here or after blanks; return it and where it ends.

    Raises:
        FilterRejected: nothing that begins here is a word.
    """
    found = _WORD.match(text, position)
    if found is None or found.lastgroup is None:
        begin = len(text) - len(text[position:].lstrip(" \t\r\n"))
        if text[begin] in "'\"`":
            raise FilterRejected(f"the quote {text[begin]} is not closed", begin)
        raise FilterRejected(f"no word begins with {text[begin]!r}", begin)
    begin, content = found.start(found.lastgroup), found[found.lastgroup]
    match found.lastgroup:
        case "text":
            quote = content[0]
            return Word("text", content[1:-1].replace(quote * 2, quote), begin), found.end()
        case "quoted_name":
            return Word("quoted name", content[1:-1], begin), found.end()
        case "name" | "sign" as kind:
            return Word(kind, content, begin, content.lower()), found.end()
        case "number" | "end" as kind:
            return Word(kind, content, begin), found.end()
    raise AssertionError(found.lastgroup)  # the groups above are all there are
