"""Where Feast keeps the features of a schema."""

from pathlib import Path
from typing import Annotated

import msgspec

from features.errors import SchemaInvalid
from features.feast.entity_keys import EntityKeys, KeyType
from features.feast.murmur import field_name
from features.schema import Schema

type Text = Annotated[str, msgspec.Meta(min_length=1)]


class View(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Of items or of users: the join key, and the feature view that holds their features.

    A feature is looked up in ``view`` under the schema's name for it, unless ``features`` says
    "view:feature".
    """

    join_key: Text
    view: Text
    key_type: KeyType = "string"
    features: dict[str, Annotated[str, msgspec.Meta(pattern=r"^[^:]+:.+$")]] = {}

    def fields(self, schema: Schema) -> list[bytes]:
        """Return the field of each feature, in the schema's order.

        Raises:
            SchemaInvalid: one of ``features`` is none of the schema's.
        """
        unknown = sorted(self.features.keys() - schema.places.keys())
        if unknown:
            raise SchemaInvalid(
                f"feast: the {schema.name} schema has no feature {unknown[0]!r}; it has "
                f"{', '.join(schema.places)}"
            )
        named = {feature: f"{self.view}:{feature}" for feature in schema.places} | self.features
        return [field_name(*named[name].split(":", 1)) for name in schema.places]


class Feast(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A project's online store in Redis; rows that no view is given for are Braid's own."""

    project: Text
    redis: Text
    item: View | None = None
    user: View | None = None

    def check(self, item: Schema, user: Schema) -> None:
        """Raise SchemaInvalid where a view names a feature that a schema has not."""
        for view, schema in ((self.item, item), (self.user, user)):
            if view is not None:
                view.fields(schema)

    def keys(self, view: View) -> EntityKeys:
        """Return how the entities of a view are addressed."""
        return EntityKeys(self.project, view.join_key, view.key_type)


def read_feast(path: Path) -> Feast:
    """Read a TOML file.

    Raises:
        ValueError: it cannot be used; the message says why.
    """
    try:
        return msgspec.toml.decode(path.read_bytes(), type=Feast)
    except (OSError, msgspec.MsgspecError) as fault:
        raise ValueError(f"{path}: {fault}") from fault
