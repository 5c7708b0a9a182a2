"""Feast as a peer in another environment: a repository over the rows, and its SDK timed in-process.

    python feature_repo.py FOLDER HOST:PORT

FOLDER has ids.json, rows.npy and wanted.npy, and gets one repository for each Redis client, which
differ in nothing else. All rows are written three ways: 64 named features; the same again as one
precomputed blob an item; one feature that is an array. Each line on stdin is "CLIENT SERVICE
SECONDS": the answer is one JSON line with the seconds that each call took, or with the rows for 0
seconds.
"""

import json
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from platform import python_version
from time import perf_counter, process_time
from typing import Any

import feast  # type: ignore[import-not-found]  # only in .venv-feast
import numpy as np
import pandas as pd  # type: ignore[import-untyped]  # the same
from feast.types import Array, Float32  # type: ignore[import-not-found]  # the same

CLIENTS = ("redis", "glide")
# As Feast's guide to tuning has it: no request ever waits for the registry.
SETTINGS = """
project: bench
provider: local
registry: {{path: {folder}/registry.db, cache_mode: thread, cache_ttl_seconds: 300}}
online_store: {{type: redis, client: {client}, connection_string: "{address}"}}
offline_store: {{type: file}}
entity_key_serialization_version: 3
"""


def repositories(folder: Path, address: str) -> dict[str, Any]:
    """Write one repository for each Redis client, over one registry."""
    stores = {}
    for client in CLIENTS:
        (folder / client).mkdir()
        settings = SETTINGS.format(folder=folder, client=client, address=address)
        (folder / client / "feature_store.yaml").write_text(settings)
        stores[client] = feast.FeatureStore(repo_path=folder / client)
    return stores


def fill(store: Any, folder: Path) -> None:
    """Declare the features, and write every item's row to the online store."""
    ids, rows = json.loads((folder / "ids.json").read_text()), np.load(folder / "rows.npy")
    keys = pd.DataFrame({"item_id": ids, "event_timestamp": datetime.now(UTC)})
    names = [f"f{column:02}" for column in range(rows.shape[1])]
    tables = {
        "wide": pd.concat([keys, pd.DataFrame(rows, columns=names)], axis=1),
        "packed": keys.assign(packed=list(rows)),
    }
    fields = {
        "wide": [feast.Field(name=name, dtype=Float32) for name in names],
        "packed": [feast.Field(name="packed", dtype=Array(Float32))],
    }
    item = feast.Entity(
        name="item", join_keys=["item_id"], value_type=feast.value_type.ValueType.STRING
    )
    views = {
        name: feast.FeatureView(
            name=name,
            entities=[item],
            schema=schema,
            source=feast.FileSource(
                name=name, path=str(folder / name), timestamp_field="event_timestamp"
            ),
            ttl=timedelta(0),
        )
        for name, schema in fields.items()
    }
    for name, table in tables.items():
        table.to_parquet(folder / name)  # where `apply` looks for the columns
    services = [feast.FeatureService(name=name, features=[view]) for name, view in views.items()]
    services.append(
        feast.FeatureService(name="precomputed", features=[views["wide"]], precompute_online=True)
    )
    store.apply([item, *views.values(), *services])
    for name, table in tables.items():
        store.write_to_online_store(name, table)
    store.precompute_feature_service("precomputed")


def reader(store: Any, service: str, wanted: list[str]) -> Callable[[], Any]:
    """Return the call to time; its answer is Feast's own, not yet an array."""
    features = store.get_feature_service(service)
    return lambda: store.get_online_features(
        features=features,
        entity_rows={"item_id": wanted},
        full_feature_names=service == "precomputed",
    )


def rows_of(answer: Any) -> list[list[float]]:
    """Return the rows in an answer, in the order of the features."""
    columns = answer.to_dict()
    del columns["item_id"]
    if len(columns) == 1:
        return [*next(iter(columns.values()))]
    return [list(row) for row in zip(*(columns[name] for name in sorted(columns)), strict=True)]


def clocked(call: Callable[[], Any], seconds: float) -> dict[str, Any]:
    """Call for so many seconds; return how long each call took, and the CPU time of them all."""
    took: list[float] = []
    cpu, end = process_time(), perf_counter() + seconds
    while perf_counter() < end:
        start = perf_counter()
        call()
        took.append(perf_counter() - start)
    return {"seconds": took, "cpu_s": process_time() - cpu}


def main() -> None:
    """Prepare, and serve until stdin ends."""
    folder, address = Path(sys.argv[1]), sys.argv[2]
    stores = repositories(folder, address)
    fill(stores["redis"], folder)
    for store in stores.values():
        store.refresh_registry()
    ids = json.loads((folder / "ids.json").read_text())
    wanted = [ids[item] for item in np.load(folder / "wanted.npy")]
    print(json.dumps({"feast": feast.__version__, "python": python_version()}), flush=True)
    for line in sys.stdin:
        client, service, seconds = line.split()
        call = reader(stores[client], service, wanted)
        answer = clocked(call, float(seconds)) if float(seconds) else {"rows": rows_of(call())}
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
