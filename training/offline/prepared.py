"""A data set with the pipeline's features, and what retrieval needs, as the pipeline learnt it."""

from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from features.schema import Feature, Schema
from features.types import Rows
from training.constants import DIMENSIONS, NEIGHBOURS
from training.datasets import Dataset
from training.embeddings import folded_in
from training.fit import Learnt
from training.interactions import Interactions
from training.offline.tables import Columns, Tables

FEATURES: Final = ("log.consumed", "log.consumed_30d", "log.age_days", "log.idle_days")
"""What the pipeline adds to the rows of users and items: `training.pipeline.asof`."""


@dataclass(frozen=True, slots=True)
class Prepared:
    """``dataset`` has the pipeline's interactions, in its order, and its features in every row."""

    dataset: Dataset
    learnt: Learnt
    tables: Tables

    @classmethod
    def of(cls, dataset: Dataset, tables: Tables) -> Prepared:
        """Join the tables to the data set that the pipeline read.

        Raises:
            DataError: a table is missing; SchemaInvalid: a column bears the name of a feature.
        """
        log = tables.read("log", ("user", "position"))
        interactions = Interactions.of(
            log["user"].astype(np.int32),
            log["item"].astype(np.int32),
            log["timestamp_ms"],
            len(dataset.user_ids),
        )
        of_users = tables.read("user_features", ("user",))
        of_items = tables.read("item_features", ("item",))
        dataset = replace(
            dataset,
            interactions=interactions,
            user_schema=_with_features(dataset.user_schema),
            user_rows=_with_values(dataset.user_rows, of_users, "user"),
            item_schema=_with_features(dataset.item_schema),
            item_rows=_with_values(dataset.item_rows, of_items, "item"),
        )
        return cls(dataset, _learnt(tables, interactions, len(dataset.catalogue)), tables)


def values_of(columns: Columns, prefix: str = "") -> Rows:
    """Return `FEATURES` of a table as float32[n, 4]."""
    return np.stack([columns[f"{prefix}{name}"] for name in FEATURES], axis=1)


def _with_features(schema: Schema) -> Schema:
    added = tuple(Feature(name=name) for name in FEATURES)
    document = {"name": schema.name, "version": schema.version}
    return Schema.parse({**document, "features": (*schema.features, *added)})


def _with_values(rows: Rows, columns: Columns, key: str) -> Rows:
    values = np.zeros((len(rows), len(FEATURES)), np.float32)
    values[columns[key]] = values_of(columns)
    return np.concatenate((rows, values), axis=1)


def _learnt(tables: Tables, interactions: Interactions, n_items: int) -> Learnt:
    near = tables.read("neighbours", ("item", "place"))
    shape = n_items, min(NEIGHBOURS, n_items)
    neighbours, scores = np.full(shape, -1, np.int32), np.zeros(shape, np.float32)
    neighbours[near["item"], near["place"]] = near["neighbour"]
    scores[near["item"], near["place"]] = near["score"]
    weights = tables.read("popularity", ("item",))
    popularity = np.zeros(n_items, np.float64)
    popularity[weights["item"]] = weights["weight"] / weights["weight"].max()
    factors = tables.vectors("factors", "factors", n_items, DIMENSIONS).astype(np.float64)
    embeddings = folded_in(factors, interactions)
    return Learnt(embeddings, neighbours, scores, popularity.astype(np.float32))
