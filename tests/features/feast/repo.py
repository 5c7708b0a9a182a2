"""Run by Feast's own Python: writes entities of many types, and prints what Feast reads of them.

python repo.py FOLDER HOST:PORT
"""

import json
import struct
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import feast  # type: ignore[import-not-found]  # only in .venv-feast
import pandas as pd  # type: ignore[import-untyped]  # the same
from feast.types import (  # type: ignore[import-not-found]  # the same
    Array,
    Bool,
    Float32,
    Float64,
    Int32,
    Int64,
    String,
)
from feast.value_type import ValueType  # type: ignore[import-not-found]  # the same

SETTINGS = """
project: shop
provider: local
registry: {folder}/registry.db
online_store: {{type: redis, connection_string: "{address}"}}
offline_store: {{type: file}}
entity_key_serialization_version: 3
"""
ITEMS: dict[str, list[Any]] = {
    "item_id": ["a", "b", "ü", "empty"],
    "price": [1.5, -0.0, 3.4028234e38, None],
    "weight": [0.1, 2.0**-140, -7.25, None],
    "year": [1999, -3, 2**24, None],
    "stock": [0, -1, 7, None],
    "new": [True, False, True, None],
    "genre": ["Drama", "Comedy", "unknown to the schema", None],
    "tags": [["x", "z"], [], ["y"], None],
    "vector": [[0.1, 0.2, 0.3], [1.0, 2.0, 3.0], [-1.0, 0.0, 1.0], None],
}
ITEM_TYPES = {
    "price": Float32,
    "weight": Float64,
    "year": Int64,
    "stock": Int32,
    "new": Bool,
    "genre": String,
    "tags": Array(String),
    "vector": Array(Float32),
}
USERS: dict[str, list[Any]] = {
    "user_id": [1, 2, -5],
    "age": [31.0, 0.25, 99.5],
    "score": [1.0, 2.0, 1e-20],
}


def bits(value: object) -> object:
    """Return numbers by the bits of their float32, so that JSON changes none."""
    if isinstance(value, list):
        return [bits(one) for one in value]
    if isinstance(value, float | int):
        return struct.pack("<f", value).hex()
    return value


def main() -> None:
    """Write, read, print."""
    folder, address = Path(sys.argv[1]), sys.argv[2]
    (folder / "feature_store.yaml").write_text(SETTINGS.format(folder=folder, address=address))
    store = feast.FeatureStore(repo_path=folder)
    now = datetime.now(UTC)
    item = feast.Entity(name="item", join_keys=["item_id"], value_type=ValueType.STRING)
    user = feast.Entity(name="user", join_keys=["user_id"], value_type=ValueType.INT64)
    tables = {"items": pd.DataFrame(ITEMS), "users": pd.DataFrame(USERS)}
    tables["items"]["year"] = tables["items"]["year"].astype("Int64")
    tables["items"]["stock"] = tables["items"]["stock"].astype("Int32")
    tables["items"]["new"] = tables["items"]["new"].astype("boolean")
    types = {"items": ITEM_TYPES, "users": {"age": Float32, "score": Float32}}
    views = []
    for (name, table), entity in zip(tables.items(), (item, user), strict=True):
        table["event_timestamp"] = now
        table.to_parquet(folder / f"{name}.parquet")
        source = feast.FileSource(
            name=name, path=str(folder / f"{name}.parquet"), timestamp_field="event_timestamp"
        )
        schema = [feast.Field(name=one, dtype=dtype) for one, dtype in types[name].items()]
        views.append(
            feast.FeatureView(
                name=name, entities=[entity], schema=schema, source=source, ttl=timedelta(0)
            )
        )
    store.apply([item, user, *views])
    store.materialize(now - timedelta(days=1), now + timedelta(days=1))
    told = {}
    asked = (
        ("items", "item_id", [*ITEMS["item_id"], "nobody"]),
        ("users", "user_id", [*USERS["user_id"], 77]),
    )
    for name, key, entities in asked:
        answer = store.get_online_features(
            features=[f"{name}:{one}" for one in types[name]],
            entity_rows=[{key: e} for e in entities],
        ).to_dict()
        told[name] = {one: bits(values) for one, values in answer.items() if one != key}
    sys.stdout.write(f"TOLD {json.dumps(told)}\n")


if __name__ == "__main__":
    main()
