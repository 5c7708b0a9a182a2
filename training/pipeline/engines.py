"""The engines: DuckDB inside this process, Spark beside it or on a cluster."""

import os
from collections.abc import Iterator
from contextlib import contextmanager

import ibis
from ibis.backends import BaseBackend

ENGINES = ("duckdb", "spark")


@contextmanager
def opened(
    name: str, memory: str = "4g", master: str = "local[*]", settings: dict[str, str] | None = None
) -> Iterator[BaseBackend]:
    """Open an engine that may take so much ``memory`` ("4g"): of Spark, its driver and executors.

    ``master`` and ``settings`` (spark.*) are Spark's.
    """
    if name == "duckdb":
        with _duckdb(memory) as engine:
            yield engine
    else:
        with _spark(memory, master, settings or {}) as engine:
            yield engine


@contextmanager
def _duckdb(memory: str) -> Iterator[BaseBackend]:
    # Whoever reads sorts: to keep the order of files would cost memory.
    engine = ibis.duckdb.connect(
        memory_limit=f"{memory.rstrip('gG')}GB",
        threads=len(os.sched_getaffinity(0)),
        preserve_insertion_order=False,
    )
    try:
        yield engine
    finally:
        engine.disconnect()


@contextmanager
def _spark(memory: str, master: str, settings: dict[str, str]) -> Iterator[BaseBackend]:
    from pyspark.sql import SparkSession  # starting Java is for those who asked for it

    builder = SparkSession.builder.appName("braid-pipeline").master(master)
    defaults = {
        "spark.driver.memory": memory,
        "spark.executor.memory": memory,
        "spark.sql.session.timeZone": "UTC",
        "spark.sql.parquet.compression.codec": "zstd",
        "spark.ui.enabled": "false",
        "spark.ui.showConsoleProgress": "false",
        "spark.log.level": "ERROR",
        # Few partitions with much in them rather than many with little.
        "spark.sql.adaptive.coalescePartitions.parallelismFirst": "false",
    }
    for key, value in (defaults | settings).items():
        builder = builder.config(key, value)
    session = builder.getOrCreate()
    try:
        yield ibis.pyspark.connect(session)
    finally:
        session.stop()
