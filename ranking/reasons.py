"""Why a pick is shown, in words: a template per source, filled in from provenance."""

import re
from collections.abc import Mapping
from typing import Any, Final

from ranking.catalogue import Catalogue

BECAUSE: Final = "because"
OTHERWISE: Final = "otherwise"
"""The template for picks whose own names `BECAUSE` where no item speaks for them."""

TEMPLATES: Final = {
    "vector": "because of {because}",
    "cooccurrence": "because of {because}",
    "similar": "like {because}",
    "popularity": "popular right now",
    "segment": "popular with people like you",
    "trending": "trending now",
    "latest": "new here",
    "again": "again",
    "editorial": "our choice",
    "pin": "our choice",
    "promotion": "promoted",
    "explore": "something new for you",
    OTHERWISE: "close to your taste",
}
"""What a surface says that says nothing else."""

_NAME: Final = re.compile(r"\{([A-Za-z_]\w*)\}")


class Reasons:
    """The templates of one surface, over Braid's own.

    ``{because}`` stands for the title of the history item that speaks most for the pick, any other
    name for that property of the pick; one that it lacks leaves nothing. Names are replaced, never
    evaluated.
    """

    def __init__(self, templates: Mapping[str, str]) -> None:
        self._templates = {**TEMPLATES, **templates}
        self._names = {source: _names(text) for source, text in self._templates.items()}
        # Most reasons are the same for every pick: these are looked up, not filled in.
        self._same = {source: text for source, text in self._templates.items() if "{" not in text}
        self._same_without = self._same | {
            source: self._same[OTHERWISE]
            for source, names in self._names.items()
            if BECAUSE in names and OTHERWISE in self._same
        }

    def __call__(self, source: str, item: int, because: int, catalogue: Catalogue) -> str:
        """Say why ``item`` is shown; ``because`` is an ordinal, or -1."""
        same = (self._same if because >= 0 else self._same_without).get(source)
        return same if same is not None else self._filled(source, item, because, catalogue)

    def _filled(self, source: str, item: int, because: int, catalogue: Catalogue) -> str:
        names = self._names.get(source, ())
        if source not in self._templates or (because < 0 and BECAUSE in names):
            source, names = OTHERWISE, self._names[OTHERWISE]
        text = self._templates[source]
        for name in names:
            if name == BECAUSE:
                text = text.replace("{because}", title(because, catalogue))
            else:
                text = text.replace(f"{{{name}}}", _words(catalogue.properties[item].get(name)))
        return text


def check_templates(templates: Mapping[str, str], properties: frozenset[str]) -> list[str]:
    """Return what is wrong with the templates, for a catalogue with these properties."""
    known = properties | {BECAUSE}
    return [
        f"reasons.{source}: no item has a {name!r}; write {{{BECAUSE}}} or a property"
        for source, text in templates.items()
        for name in _names(text)
        if name not in known or (source == OTHERWISE and name == BECAUSE)
    ]


def title(item: int, catalogue: Catalogue) -> str:
    """Return what people call an item: its title, or its id where it has none."""
    if item < 0:
        return ""
    return str(catalogue.properties[item].get("title", catalogue.ids[item]))


def _names(text: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(_NAME.findall(text)))


def _words(value: Any) -> str:
    if isinstance(value, list | tuple):
        return ", ".join(map(str, value))
    return "" if value is None else str(value)
