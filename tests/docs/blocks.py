"""The blocks of code of the pages: fenced ones, and those that stand four spaces in."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

DOCS = Path(__file__).resolve().parents[2] / "docs"
_FENCED = re.compile(r"^( *)```(\w*)[^\n`]*\n(.*?)^\1```$", re.MULTILINE | re.DOTALL)
_INDENTED = re.compile(r"(?:^|\n\n)((?:    [^\n]*(?:\n+(?=    )|\n|$))+)")
_SHELL = re.compile(
    r"(braid|make|curl|python|pip|npx|docker|kubectl|mkdir|debootstrap|redis-server|buildah) "
)
_HTTP = re.compile(r"(GET|POST|PUT|DELETE) /")
_YAML = re.compile(r"[a-z]+:\n")


@dataclass(frozen=True)
class Block:
    """One block: ``language`` is the fence's, or what an indented one looks like."""

    page: str
    line: int
    language: str
    text: str

    def __str__(self) -> str:
        return f"{self.page}:{self.line} {self.language}"


def blocks() -> Iterator[Block]:
    """Yield every block of every page; decisions are records of their day, and are left out."""
    for path in sorted(DOCS.rglob("*.md")):
        page = path.relative_to(DOCS).as_posix()
        if page.startswith("decisions/"):
            continue
        text = path.read_text()
        for found in _FENCED.finditer(text):
            yield _block(page, text, found.start(), found[2], found[1], found[3])
        rest = _FENCED.sub(lambda found: "\n" * found[0].count("\n"), text)
        for found in _INDENTED.finditer(rest):
            before = rest[: found.start()].rstrip().rpartition("\n\n")[2]
            if not re.match(r" *[*-] ", before):  # what is indented there continues a list
                yield _block(page, rest, found.start(1), "", "    ", found[1])


def _block(page: str, text: str, start: int, language: str, indent: str, body: str) -> Block:
    body = re.sub(f"(?m)^{indent}", "", body).rstrip() + "\n"
    return Block(page, text.count("\n", 0, start) + 1, language or _language(body), body)


def _language(body: str) -> str:
    for language, shape in (("sh", _SHELL), ("http", _HTTP), ("yaml", _YAML)):
        if shape.match(body):
            return language
    return ""
