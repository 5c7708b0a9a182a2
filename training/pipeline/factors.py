"""Factors of the items: alternating least squares by implicit here, by Spark MLlib beyond."""

from pathlib import Path

import numpy as np
import pyarrow as pa
from ibis.backends import BaseBackend
from pyarrow import parquet

from training.constants import DIMENSIONS, REGULARISATION, SWEEPS, UNSEEN_WEIGHT

CONFIDENCE = 1.0 / UNSEEN_WEIGHT
"""How much more an item consumed counts than one that was not; both libraries call it alpha."""


def write_factors(engine: BaseBackend, log: Path, n_items: int, folder: Path, seed: int) -> None:
    """Write (item, factors float32[32]) of every item consumed, learnt from the table ``log``.

    Both minimise what `training.embeddings` does (Hu, Koren, Volinsky, ICDM 2008), except that
    implicit regularises every row alike, as much as one with as many interactions as an average
    user's. That is why their factors are compared by recall, and by nothing else.
    """
    if engine.name == "duckdb":
        _by_implicit(log, n_items, folder, seed)
    else:
        _by_mllib(engine, log, n_items, folder, seed)


def _by_implicit(log: Path, n_items: int, folder: Path, seed: int) -> None:
    from implicit.cpu.als import AlternatingLeastSquares
    from scipy.sparse import csr_matrix
    from threadpoolctl import threadpool_limits

    # The order in which rows are summed is the order of the matrix, whatever that of the files.
    table = parquet.read_table(log, columns=["user", "item"])
    users, items = (table[name].to_numpy() for name in ("user", "item"))
    n_users = int(users.max()) + 1
    ones = np.ones(len(items), np.float32)
    consumed = csr_matrix((ones, (users, items)), (n_users, n_items))
    with threadpool_limits(1, "blas"):  # its own threads share the rows already
        model = AlternatingLeastSquares(
            factors=DIMENSIONS,
            regularization=_regularisation(len(items) / n_users, n_items),
            alpha=1.0 + CONFIDENCE,  # implicit's confidence replaces the 1 of what was not consumed
            iterations=SWEEPS,
            random_state=seed,
        )
        model.fit(consumed, show_progress=False)
    folder.mkdir(exist_ok=True)
    seen = np.unique(items)
    factors = pa.array(list(model.item_factors[seen]), pa.list_(pa.float32()))
    parquet.write_table(pa.table({"item": seen, "factors": factors}), folder / "part-0.parquet")


def _by_mllib(engine: BaseBackend, log: Path, n_items: int, folder: Path, seed: int) -> None:
    from pyspark.ml.recommendation import ALS
    from pyspark.sql import functions

    table = engine._session.read.parquet(str(log)).select(
        functions.col("user").cast("int"),
        functions.col("item").cast("int"),
        functions.lit(1.0).alias("consumed"),
    )
    n_users = table.select("user").distinct().count()
    typical = table.count() / n_users
    model = ALS(
        rank=DIMENSIONS,
        maxIter=SWEEPS,
        regParam=_regularisation(typical, n_items) / typical,  # it multiplies by a row's count
        implicitPrefs=True,
        alpha=CONFIDENCE,
        userCol="user",
        itemCol="item",
        ratingCol="consumed",
        seed=seed,
    ).fit(table)
    factors = model.itemFactors.select(
        functions.col("id").cast("long").alias("item"), functions.col("features").alias("factors")
    )
    factors.write.mode("overwrite").parquet(str(folder))


def _regularisation(count: float, n_others: int) -> float:
    """Return the regularisation of a row with so many interactions, per unseen item's weight."""
    return REGULARISATION * (count + UNSEEN_WEIGHT * n_others) / UNSEEN_WEIGHT
