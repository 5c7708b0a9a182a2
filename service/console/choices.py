"""What the console offers to choose from: surfaces, versions, some users, some items."""

from collections.abc import Sequence
from itertools import islice
from typing import Any, Final

import msgspec

from features import keys
from features.client import STORE_FAULTS, connect
from ranking.snapshot import Snapshot
from ranking.surfaces import Surfaces

USERS: Final = 40
ITEMS: Final = 20
SCANNED: Final = 2000
HISTORIES: Final = keys.user_history("").partition("{")[0]
LOOKED_AT: Final = 500_000
"""Items whose titles are read for one search: a console may be slow, but not for long."""


class SurfaceChoice(msgspec.Struct, frozen=True):
    """A surface; ``variants`` are the settings that each variant has otherwise."""

    name: str
    about: str
    variants: dict[str, dict[str, Any]]


class ItemChoice(msgspec.Struct, frozen=True):
    """An item and what it is called."""

    item_id: str
    title: str


class Choices(msgspec.Struct, frozen=True):
    """Everything that the page's forms list."""

    serving: str
    versions: list[str]
    surfaces: list[SurfaceChoice]
    users: list[str]
    items: list[ItemChoice]


def surfaces_of(surfaces: Surfaces) -> list[SurfaceChoice]:
    """Return every surface with its variants."""
    return [
        SurfaceChoice(
            name,
            surface.about,
            {}
            if surface.experiment is None
            else {arm: one.settings for arm, one in surface.experiment.variants.items()},
        )
        for name, surface in surfaces.by_name.items()
    ]


def some_users(url: str) -> list[str]:
    """Return the ids of some users with a history, as many as a list can show.

    Nothing where the store does not answer: an id can be typed all the same.
    """
    found = set[str]()
    try:
        with connect(url, 1.0) as client:
            # One step of the scan: what it meets first is as good as any.
            _, names = client.scan(0, match=f"{HISTORIES}*", count=SCANNED)
            found.update(name.decode().split(":", 3)[3] for name in names)
    except STORE_FAULTS:
        return []
    return sorted(found, key=lambda user: (len(user), user))[:USERS]


def popular_items(snapshot: Snapshot) -> list[ItemChoice]:
    """Return the items that most users took."""
    return [_choice(snapshot, int(item)) for item in snapshot.popular[:ITEMS]]


def items_like(snapshot: Snapshot, words: str) -> list[ItemChoice]:
    """Return items whose id is ``words``, or whose title has them, whatever the case."""
    catalogue, wanted = snapshot.catalogue, words.casefold()
    exact = [int(item) for item in catalogue.ordinals([words])]
    titles = enumerate(islice(catalogue.properties, LOOKED_AT))
    like = (at for at, properties in titles if wanted in title_of(properties, "").casefold())
    found = list(dict.fromkeys([*exact, *islice(like, ITEMS)]))
    return [_choice(snapshot, item) for item in found[:ITEMS]]


def title_of(properties: Any, otherwise: str) -> str:
    """Return what an item with these properties is called."""
    for name in ("title", "name"):
        if isinstance(properties, dict) and (title := properties.get(name)):
            return str(title)
    return otherwise


def _choice(snapshot: Snapshot, item: int) -> ItemChoice:
    item_id = snapshot.catalogue.ids[item]
    return ItemChoice(item_id, title_of(snapshot.catalogue.properties[item], item_id))


def versions_of(published: Sequence[str], serving: str) -> list[str]:
    """Return the versions to choose from, the newest first, with the one that serves."""
    return sorted({*published, serving}, reverse=True)
