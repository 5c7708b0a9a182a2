"""The JSON vocabulary of what clients put: items and users, with features and properties."""

from typing import Annotated, Any

import msgspec
from msgspec import Meta

from service.http.wire import Id

MOST_PUT = 1000

type Number = float | bool
type FeatureValue = Number | str | list[Number | str] | dict[str, Number]
type Features = Annotated[
    dict[str, FeatureValue],
    Meta(
        description="By name, as the schema has them: a number; a list of numbers; a label; a "
        "list of labels; or labels with their numbers."
    ),
]


class ItemPut(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An item. What is left out stays as it is, or is the schema's default for a new item."""

    item_id: Id
    properties: (
        Annotated[dict[str, Any], Meta(description="What is shown; replaced as a whole.")] | None
    ) = None
    features: Features | None = None


class ItemsPutRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Items that are new, or otherwise than before; a retired one is back."""

    items: Annotated[tuple[ItemPut, ...], Meta(min_length=1, max_length=MOST_PUT)]


class ItemsPutAnswer(msgspec.Struct, frozen=True):
    """Sent once Redis has all of them and this replica serves them; the others follow."""

    request_id: str
    stored: int


class ItemsRetireRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Items that must not be shown any more."""

    item_ids: Annotated[tuple[Id, ...], Meta(min_length=1, max_length=MOST_PUT)]


class ItemsRetireAnswer(msgspec.Struct, frozen=True):
    """Sent once this replica shows none of them. ``unknown`` ones were never there."""

    request_id: str
    retired: int
    unknown: int


class UserPut(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A user's features; what is left out stays, or is the schema's default for a new user."""

    user_id: Id
    features: Features


class UsersPutRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Users that are new, or otherwise than before."""

    users: Annotated[tuple[UserPut, ...], Meta(min_length=1, max_length=MOST_PUT)]


class UsersPutAnswer(msgspec.Struct, frozen=True):
    """Sent once Redis has all of them; the next request sees them."""

    request_id: str
    stored: int
